import { VALID_PAIRS, validItem } from './canary-items.ts';
import { ownToken, type Planting } from './canary-requests.ts';
import type { CanaryKind } from './canary-values.ts';

type Make = (kind: CanaryKind) => string;

/** Longer than a line may be. */
const TOO_LONG = 100_000;

function planting(name: string, role: string, lines: readonly (string | Buffer)[]): Planting {
  return {
    target: `/v1/vaults/demo/${name}/stream`,
    headers: { 'content-type': 'application/x-ndjson' },
    body: Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])),
    role,
  };
}

/** A stream of valid items of every field. */
export function validStream(make: Make): Planting {
  const items = VALID_PAIRS.map(({ field, kind }) => validItem(make, field, kind));
  return planting(
    'tokenize',
    'app',
    items.map((item) => JSON.stringify(item)),
  );
}

/** A stream that reveals. */
export function revealingStream(
  tokens: readonly { token: string; field: string }[],
  context: object,
): Planting {
  return planting(
    'detokenize',
    'supervisor',
    tokens.map(({ token, field }) => JSON.stringify({ token, field, ...context })),
  );
}

/** Streams with lines that are refused, malformed or too long, and such that end or begin wrongly. */
export function brokenStreams(make: Make): Planting[] {
  const bad = Buffer.from([0xff, 0xfe, 0xc0, 0x80]);
  const lines = (): (string | Buffer)[] => [
    `{"field":"email","value":"${make('email')}"`,
    `{"field":"email","value":"${make('email')}","value":"${make('email')}"}`,
    `{"field":"email","value":"${make('email')}","${make('identifier')}":"${make('pan')}"}`,
    `{"field":"pan","value":"${make('loyalty')}"}`,
    `{"field":"${make('identifier')}","value":"${make('pan')}"}`,
    `{"token":"${make('plain')}","purpose":"${make('plain')}","reference":"${make('plain')}"}`,
    `{"token":"${make('pan')}","field":"loyalty","purpose":"support-ticket"}`,
    `${make('plain')} ${make('pan')}`,
    '',
    Buffer.concat([bad, Buffer.from(make('email'))]),
    make('plain').repeat(TOO_LONG / 10),
    JSON.stringify(make('email')),
  ];
  return ['tokenize', 'detokenize'].flatMap((name) =>
    ['app', 'supervisor', 'support', 'auditor', 'nobody'].flatMap((role) => [
      planting(name, role, lines()),
      // No end of the last line.
      { ...planting(name, role, []), body: `{"field":"email","value":"${make('email')}"` },
      { ...planting(name, role, lines()), headers: { 'content-type': `text/${make('plain')}` } },
    ]),
  );
}

/** Imports that must not take their tokens over: each is a secret, or claims to be of another mode. */
export function refusedImports(make: Make): Planting[] {
  const pan = make('pan');
  const digits = pan.replaceAll(' ', '');
  const name = make('plain');
  const items = [
    { field: 'pan', value: pan, token: digits },
    { field: 'pan', value: make('pan'), token: make('pan').replaceAll(' ', '') },
    { field: 'name', value: name, token: name },
    { field: 'name', value: make('name'), token: `~${make('plain')}` },
    { field: 'name', value: make('name'), token: `${make('plain')} ${make('plain')}` },
    { field: 'note', value: make('note'), token: ownToken() },
    { field: 'loyalty', value: make('loyalty'), token: ownToken() },
    { field: 'otp', value: make('plain'), token: ownToken() },
    { field: make('identifier'), value: make('plain'), token: ownToken() },
    { field: 'email', value: make('plain'), token: ownToken() },
  ];
  return items.flatMap((item) =>
    ['app', 'support', 'nobody'].map((role) => ({
      target: '/v1/vaults/demo/tokens/import',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [item] }),
      role,
    })),
  );
}
