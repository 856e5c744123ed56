// What is sent: described as data, so that every generator sends the same.

/** One kind of item in a body. `list`: in turn. `fresh`: never the same twice, a number between two texts. */
export type Items =
  | { kind: 'list'; texts: readonly string[] }
  | { kind: 'fresh'; before: string; after: string };

/** A body: so many items between an opening and a closing text. */
export type BodyPattern = {
  open: string;
  items: Items;
  count: number;
  separator: string;
  close: string;
};

/** Requests to one path. */
export type Requests = { path: string; body: BodyPattern };

/** POST requests of one kind; of several paths they are sent in turn. */
export type Workload = {
  token: string;
  mediaType: 'application/json' | 'application/x-ndjson';
  requests: readonly Requests[];
};

/** A body that is one item. */
export function single(items: Items): BodyPattern {
  return { open: '', items, count: 1, separator: '', close: '' };
}

/** Makes the bodies of one path, one after the other. `run` keeps what is fresh apart from other runs. */
export function makeBodies({ open, items, count, separator, close }: BodyPattern, run: string) {
  let turn = 0;
  const next = () => {
    turn += 1;
    return items.kind === 'list'
      ? (items.texts[(turn - 1) % items.texts.length] ?? '')
      : `${items.before}${run}-${turn}${items.after}`;
  };
  return () => open + Array.from({ length: count }, next).join(separator) + close;
}

/** Makes the requests of a workload, path by path in turn. */
export function makeRequests(
  { requests }: Workload,
  run: string,
): () => { path: string; body: string } {
  const sources = requests.map(({ path, body }) => ({ path, next: makeBodies(body, run) }));
  let turn = 0;
  return () => {
    const source = sources[turn % sources.length];
    if (source === undefined) throw new Error('a workload without requests');
    turn += 1;
    return { path: source.path, body: source.next() };
  };
}
