type Read<In> = { kind: 'read'; input: In };
type Ended = { kind: 'ended'; failure?: { error: unknown } };
type Done<Out> = { kind: 'done'; result: Out };

/**
 * Works on what a source gives, up to `atOnce` pieces at a time, and yields the results in the order of the
 * source, each as soon as it is there. The source is asked only while a result is wanted and fewer than
 * `atOnce` pieces are held: who does not take results stops the reading. `work` must not reject.
 *
 * When the source fails, the results of what it gave before still come, then its error. When the consumer
 * stops, the source is told, and work under way is waited for.
 */
export async function* inOrder<In, Out>(
  source: AsyncIterable<In>,
  work: (input: In) => Promise<Out>,
  atOnce: number,
): AsyncGenerator<Out, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Promise<Out>[] = [];
  let reading: Promise<Read<In> | Ended> | undefined;
  let ended: Ended | undefined;
  try {
    while (ended === undefined || held.length > 0) {
      if (ended === undefined && held.length < atOnce) reading ??= readFrom(iterator);
      const step = await firstOf(held[0], reading);
      switch (step.kind) {
        case 'done':
          held.splice(0, 1);
          yield step.result;
          break;
        case 'read':
          reading = undefined;
          held.push(work(step.input));
          break;
        case 'ended':
          reading = undefined;
          ended = step;
          break;
      }
    }
    if (ended?.failure !== undefined) throw ended.failure.error;
  } finally {
    // Not waited for: a source that is being asked answers when it has something.
    if (ended === undefined) iterator.return?.().catch(() => undefined);
    await Promise.allSettled(held);
  }
}

function readFrom<In>(iterator: AsyncIterator<In>): Promise<Read<In> | Ended> {
  return iterator.next().then(
    ({ done, value }) => (done === true ? { kind: 'ended' } : { kind: 'read', input: value }),
    (error: unknown) => ({ kind: 'ended', failure: { error } }),
  );
}

/** A result before more input, when both are there. */
function firstOf<In, Out>(
  head: Promise<Out> | undefined,
  reading: Promise<Read<In> | Ended> | undefined,
): Promise<Done<Out> | Read<In> | Ended> {
  const done = head?.then((result) => ({ kind: 'done' as const, result }));
  return Promise.race([done, reading].filter((one) => one !== undefined));
}
