import { randomUUID } from 'node:crypto';
import type { RawRequest } from './canary-client.ts';
import { VALID_KINDS } from './canary-items.ts';
import type { CanaryKind } from './canary-values.ts';

type Make = (kind: CanaryKind) => string;

/** Dates and card codes are too few to be told from chance: in these fields only invalid ones are planted. */
const FIELDS = [...Object.keys(VALID_KINDS), 'birthdate', 'cvv'];

const AT = '/v1/vaults/demo';
const PURPOSE = 'support-ticket';
const CALLS = [
  'tokenize',
  'tokenize/batch',
  'detokenize',
  'detokenize/batch',
  'lookup',
  'tokens/inspect',
  'tokens/revoke',
  'tokens/import',
  'tokens/search',
  'subjects/erase',
  'subjects/export',
];

/** Who may make a call; `supervisor` has the second factor. */
function roleOf(call: string): string {
  if (/^subjects|search/.test(call)) return 'privacy';
  return /^detok|inspect/.test(call) ? 'supervisor' : 'app';
}

/** A token of the caller's own, and no secret: tokens stand in tables as they are. */
export const ownToken = (): string => `legacy-${randomUUID()}`;
export const isOwnToken = (token: string): boolean => token.startsWith('legacy-');

/** A request to the demo vault; the caller of `send` adds the credential of `role`. */
export type Planting = RawRequest & { role: string };

function call(name: string, body: unknown, role = roleOf(name)): Planting {
  return raw(
    name,
    typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body),
    role,
  );
}

function raw(name: string, body: string | Buffer, role = roleOf(name)): Planting {
  return {
    target: `${AT}/${name}`,
    headers: { 'content-type': 'application/json' },
    body,
    role,
  };
}

/** Values that do not fit their field, in every type and shape. */
export function invalidValues(make: Make): Planting[] {
  return FIELDS.flatMap((field) => {
    const values: unknown[] = [
      `${make('plain')} ${make('pan')}!`,
      // One digit more, one less: what a slip of the hand makes of a number.
      `${make('loyalty')}${make('loyalty')}`,
      make('pan').slice(0, -1).concat('x'),
      { [make('identifier')]: make('plain') },
      [make('plain'), [make('pan')]],
      make('plain').repeat(1000),
      `${make('plain')}\u0000`,
      `\u202e${make('plain')}\ufeff`,
      Number(make('customerId').slice(3)),
    ];
    return values.flatMap((value) => [
      call('tokenize', { field, value }),
      call('lookup', { field, value }),
      call('tokenize/batch', {
        items: [
          { field, value: make('plain').repeat(1000) },
          { field, value },
        ],
      }),
    ]);
  });
}

/** Every member of every call, with text where text is wrong, too long, or of another type. */
export function wrongMembers(make: Make): Planting[] {
  const odd = (): unknown[] => [
    make('plain'),
    make('pan'),
    `${make('plain')}\u0007`,
    make('plain').repeat(40),
    [make('plain')],
    { [make('identifier')]: make('email') },
  ];
  const members = [
    'token',
    'field',
    'view',
    'purpose',
    'reference',
    'approval',
    'value',
    'subject',
    'expiresAt',
    'metadata',
    'items',
    'tokens',
    'tags',
    'from',
    'cursor',
  ];
  return CALLS.flatMap((name) =>
    members.flatMap((member) =>
      odd().map((text) => call(name, { ...usualBody(name, make), [member]: text })),
    ),
  );
}

function usualBody(name: string, make: Make): object {
  const opaque = `tok_${'0'.repeat(26)}`;
  if (name === 'tokenize/batch') return { items: [{ field: 'name', value: make('name') }] };
  if (name === 'tokenize') return { field: 'name', value: make('name') };
  if (name === 'lookup') return { field: 'email', value: make('email') };
  if (name === 'tokens/revoke') return { tokens: [opaque] };
  if (name === 'tokens/inspect') return { token: opaque };
  if (name === 'tokens/import')
    return { items: [{ field: 'name', value: make('name'), token: ownToken() }] };
  if (name === 'tokens/search') return { tags: { [make('identifier')]: make('plain') } };
  if (name.startsWith('subjects/')) return { subject: make('plain') };
  return name === 'detokenize'
    ? { token: opaque, purpose: PURPOSE }
    : { tokens: [opaque], purpose: PURPOSE };
}

/** Members that no schema knows: their names and values are input like any other. */
export function unknownMembers(make: Make): Planting[] {
  return CALLS.flatMap((name) => [
    call(name, { ...usualBody(name, make), [make('identifier')]: make('pan') }),
    call(name, { ...usualBody(name, make), [make('pan')]: { [make('email')]: [make('note')] } }),
    call(name, { items: [{ field: 'name', value: make('name'), [make('identifier')]: 1 }] }),
    call(name, { tokens: [{ token: make('plain'), [make('identifier')]: make('ssn') }] }),
    call(name, [make('email')]),
    call(name, JSON.stringify(make('email'))),
  ]);
}

/** Bodies that are no JSON, or no JSON that we accept, with secrets around the fault. */
export function brokenBodies(make: Make): Planting[] {
  const bytes = (...parts: (string | Buffer)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const bad = Buffer.from([0xff, 0xfe, 0xc0, 0x80]);
  const bodies = (): (string | Buffer)[] => [
    `{"field":"email","value":"${make('email')}"`,
    `{"field":"email","value":"${make('email')}",}`,
    `{"field":"email","value":${make('plain')}}`,
    `{"field":"email","value":"${make('email')}","value":"${make('email')}"}`,
    `{"${make('identifier')}":1,"field":"email","value":'${make('email')}'}`,
    `\ufeff{"field":"email","value":"${make('email')}"}`,
    `{"field":"email","value":"${make('plain')}\\ud800"}`,
    `{"field":"email","value":"${make('plain')}\n"}`,
    `{"__proto__":{"value":"${make('pan')}"},"field":"email","value":"${make('email')}"}`,
    `{"field":"email","value":"${make('email')}","metadata":${'['.repeat(40)}"${make('plain')}"${']'.repeat(40)}}`,
    bytes(bad, make('email')),
    bytes('{"field":"email","value":"', make('plain'), bad, make('plain'), '"}'),
    bytes(make('pan')),
    bytes(Buffer.from(make('pan'), 'utf16le')),
    `{"value":"${make('plain').repeat(220_000)}"}`,
  ];
  return CALLS.flatMap((name) => bodies().map((body) => raw(name, body)));
}

/** Paths and queries; nothing of them may be kept, not even by the router. */
export function oddTargets(make: Make): Planting[] {
  const valid = () => JSON.stringify({ field: 'email', value: make('email') });
  const targets = (): string[] => [
    `/v1/vaults/${make('plain')}/tokenize`,
    `/v1/vaults/${encodeURIComponent(make('pan'))}/detokenize`,
    `/v1/vaults/demo/${make('plain')}`,
    `/v1/vaults/demo/tokenize/${make('plain')}`,
    `/v1/${make('plain')}`,
    `/${make('plain')}`,
    `/docs/${make('plain')}`,
    `${AT}/tokenize?value=${make('plain')}&${make('plain')}=1`,
    `${AT}/nothing?email=${encodeURIComponent(make('email'))}`,
    `/v1/vaults/${make('plain')}%zz/tokenize`,
    `/v1/vaults/${make('plain').repeat(20)}/tokenize`,
    `/v1/vaults/demo%2f${make('plain')}/tokenize`,
    `/v1/vaults/demo/tokenize;${make('plain')}=${make('plain')}`,
    `/v1//vaults/${make('plain')}/../tokenize`,
  ];
  return ['POST', 'GET', 'PUT', 'DELETE', 'OPTIONS'].flatMap((method) =>
    ['app', 'nobody'].flatMap((role) =>
      targets().map((target) => ({
        method,
        target,
        role,
        headers: { 'content-type': 'application/json' },
        body: method === 'GET' ? '' : valid(),
      })),
    ),
  );
}

/** Headers, with a body that is valid and one that is not. */
export function oddHeaders(make: Make): Planting[] {
  const headers = (): Record<string, string>[] => [
    { 'x-request-id': make('plain') },
    { 'x-request-id': make('loyalty') },
    { 'idempotency-key': make('plain') },
    { cookie: `session=${make('plain')}; pan=${encodeURIComponent(make('pan'))}` },
    { [`x-${make('plain')}`]: make('plain') },
    { 'content-type': `application/${make('plain')}` },
    { 'content-type': `application/json; charset=${make('plain')}` },
    { 'content-encoding': make('plain') },
    { 'x-forwarded-for': make('plain'), forwarded: `for=${make('plain')}` },
    { 'x-forwarded-host': make('plain'), origin: `https://${make('plain')}.example` },
    { referer: `https://shop.example/?card=${encodeURIComponent(make('pan'))}` },
    { host: `${make('plain')}.example` },
    { traceparent: `00-${make('plain')}`, baggage: `user=${make('plain')}` },
    { 'x-http-method-override': make('plain') },
    { expect: make('plain') },
    { te: make('plain'), via: make('plain') },
    { 'x-long': make('plain').repeat(1000) },
    { authorization: `Bearer ${make('plain')}` },
    { authorization: `Bearer ${make('base64')}.${make('base64')}.${make('base64')}` },
    {
      authorization: `Basic ${Buffer.from(`${make('plain')}:${make('plain')}`).toString('base64')}`,
    },
    { authorization: make('plain') },
    { authorization: `Bearer ${unsignedToken(make)}` },
    { authorization: `cfk_${make('plain')}` },
  ];
  return CALLS.flatMap((name) =>
    headers().flatMap((more) => {
      const planting = call(name, { ...usualBody(name, make), subject: make('plain') });
      return [{ ...planting, headers: { ...planting.headers, ...more } }];
    }),
  );
}

/** A token of our own making: strangers' claims are input, too. */
function unsignedToken(make: Make): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: make('plain'), sub: make('email'), roles: [make('plain')], exp: 4e9 };
  return `${part({ alg: 'EdDSA', kid: make('plain') })}.${part(claims)}.${make('base64')}`;
}

/** Bytes that are no HTTP. */
export function brokenHttp(make: Make): string[] {
  const host = 'host: localhost\r\n';
  return Array.from({ length: 5 }, () => [
    `${make('plain')}\r\n\r\n`,
    `POST /${make('plain')} HTTP/9.9\r\n${host}\r\n`,
    `${make('plain').toUpperCase()} /v1/vaults/demo/tokenize HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/1.1\r\n${host}${make('plain')} : 1\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}x: ${make('plain')}\u0000\r\n\r\n`,
    `GET http://${make('plain')}.example/v1/${make('plain')} HTTP/1.1\r\n${host}connection: close\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${make('plain')}`,
    `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n${make('plain')}\r\n`,
    `POST / HTTP/1.1\r\n${host}content-length: ${make('plain')}\r\n\r\n`,
    `POST ${AT}/tokenize HTTP/1.1\r\n${host}x: ${make('plain').repeat(2000)}\r\n\r\n`,
    `CONNECT ${make('plain')}.example:443 HTTP/1.1\r\n${host}\r\n`,
  ]).flat();
}

/** What callers who may not do it ask for all the same. */
export function refusedCalls(make: Make): Planting[] {
  return ['support', 'auditor', 'fraud', 'nobody'].flatMap((role) =>
    CALLS.flatMap((name) => [
      call(name, { ...usualBody(name, make), subject: make('plain') }, role),
      call(name, usualBody(name, make), role),
      call(
        'tokenize',
        { field: 'pan', value: make('pan'), metadata: { [make('email')]: make('note') } },
        role,
      ),
      call('lookup', { field: 'ssn', value: make('ssn') }, role),
      call(
        'detokenize',
        { token: make('plain'), purpose: make('plain'), reference: make('plain') },
        role,
      ),
    ]),
  );
}
