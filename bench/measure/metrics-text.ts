// What the benches read from `/metrics` (Prometheus text): single values, and histograms between two moments.

/** Samples by their name with labels, as the text writes them. */
export type Samples = ReadonlyMap<string, number>;

/** Reads the text of `/metrics`. Comments and lines of another form are nothing. */
export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const space = line.lastIndexOf(' ');
    const value = Number(line.slice(space + 1));
    if (space > 0 && !line.startsWith('#') && !Number.isNaN(value)) {
      samples.set(line.slice(0, space), value);
    }
  }
  return samples;
}

/**
 * What a histogram counted between two readings. `atShare`: the upper bound of the bucket of a share; `undefined`
 * when that is the last one, which has no bound.
 */
export type Counted = {
  count: number;
  sum: number;
  atShare: (share: number) => number | undefined;
};

/** The difference of two readings of one histogram without labels. */
export function histogramBetween(before: Samples, after: Samples, name: string): Counted {
  const grown = (key: string) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
  const bucket = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\}$`);
  const bounds = [...after.keys()].flatMap((key) => {
    const bound = bucket.exec(key)?.[1];
    return bound === undefined || bound === '+Inf' ? [] : [{ bound: Number(bound), key }];
  });
  bounds.sort((a, b) => a.bound - b.bound);
  const count = grown(`${name}_count`);
  return {
    count,
    sum: grown(`${name}_sum`),
    atShare: (share) => bounds.find(({ key }) => grown(key) >= count * share)?.bound,
  };
}
