import autocannon from 'autocannon';

export const CONNECTIONS = 64;
export const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 8);
export const ROUNDS = 3;

/** One kind of call to a service, with a fresh body each time. */
export type Target = { name: string; url: string; token: string; body: () => string };
export type Figures = { perSecond: number; p50Ms: number; p99Ms: number; failed: number };

/** Puts known values in, to have tokens that detokenize can be asked for. */
export async function issueTokens(input: {
  http: string;
  token: string;
  count: number;
}): Promise<string[]> {
  const items = Array.from({ length: input.count }, (_, n) => ({
    field: 'email',
    value: `known${n}@example.com`,
  }));
  const answer = await fetch(`${input.http}/v1/vaults/demo/tokenize/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${input.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
  });
  const { items: issued } = (await answer.json()) as { items: { token: string }[] };
  return issued.map((item) => item.token);
}

/** Loads one kind of call from 64 connections for `SECONDS`. */
export async function measure({ url, token, body }: Target): Promise<Figures> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: SECONDS,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  });
  return {
    perSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}

/** The middle round by speed; failures of all rounds. */
export function median(rounds: readonly Figures[]): Figures {
  const sorted = [...rounds].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return { ...middle, failed: rounds.reduce((sum, { failed }) => sum + failed, 0) };
}
