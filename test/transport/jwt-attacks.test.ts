import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import {
  authenticatorFor,
  encode,
  isRefusal,
  makeKey,
  signRaw,
  signToken,
  type TestKey,
} from './issuer.ts';

// Every forged, broken or untimely token is refused in one and the same way.

const ED = makeKey('EdDSA', 'ed');
const EC = makeKey('ES256', 'ec');
const RSA = makeKey('RS256', 'rsa');
const issuer = authenticatorFor({
  jwks: { kind: 'static', keys: [ED.jwk, EC.jwk, RSA.jwk] },
});
after(() => issuer.close());

async function refuseAll(tokens: readonly string[]): Promise<void> {
  assert.notEqual(tokens.length, 0);
  for (const token of tokens) {
    await assert.rejects(issuer.bearer(token), isRefusal, token.slice(0, 200));
  }
}

const claims = () => issuer.claims();

test('unsigned tokens are refused in every spelling of none', async () => {
  const algorithms = ['none', 'None', 'NONE', 'nOnE', '', null, undefined, 0, false, ['none']];
  const parts = algorithms.flatMap((alg) =>
    [ED, EC, RSA].map(({ kid }) => `${encode({ alg, kid })}.${encode(claims())}`),
  );
  await refuseAll(parts.flatMap((part) => [`${part}.`, part, `${part}.AA`]));
});

/** The public key in every form in which a confused library might take it for an HMAC secret. */
function secretForms({ publicKey, jwk }: TestKey): (string | Buffer)[] {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return [
    pem,
    pem.trim(),
    ` ${pem}`,
    `\uFEFF${pem}`,
    `# comment\n${pem}`,
    pem.replaceAll('\n', '\r\n'),
    pem.replace(/-----.*-----\n/g, ''),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(jwk),
    JSON.stringify(publicKey.export({ format: 'jwk' })),
    JSON.stringify({ keys: [jwk] }),
    Buffer.from(String(jwk['x'] ?? jwk['n']), 'base64url'),
    '',
  ];
}

test('HMAC with the public key as secret is refused in every form of the key', async () => {
  const forged = [ED, EC, RSA].flatMap((key) =>
    secretForms(key).flatMap((secret) =>
      ['HS256', 'HS384', 'HS512', 'hs256'].map((alg) => {
        const input = `${encode({ alg, kid: key.kid })}.${encode(claims())}`;
        const hash = `sha${alg.slice(2)}`;
        return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`;
      }),
    ),
  );
  await refuseAll(forged);
});

test('a key works with its own algorithm only, whatever the header says', async () => {
  const keys = [ED, EC, RSA];
  const algorithms = [
    'EdDSA',
    'ES256',
    'RS256',
    'PS256',
    'RS384',
    'RS512',
    'ES384',
    'ES512',
    'ES256K',
    'Ed25519',
  ];
  const mixed = keys.flatMap((signer) =>
    keys.flatMap((named) =>
      algorithms
        .filter((alg) => !(signer === named && alg === named.alg))
        .map((alg) => signRaw(signer, { alg, kid: named.kid }, claims())),
    ),
  );
  await refuseAll(mixed);
});

test('a key id selects a configured key or nothing', async () => {
  const kids = [
    '../../../dev/null',
    "ed' or '1'='1",
    '',
    ' ed',
    'ED',
    'ed\u0000',
    '__proto__',
    'constructor',
    0,
    null,
    ['ed'],
    { kid: 'ed' },
    undefined,
    'e'.repeat(257),
  ];
  await refuseAll(kids.map((kid) => signRaw(ED, { alg: 'EdDSA', kid }, claims())));
});

test('a token cannot bring its own key or its own rules', async () => {
  const own = makeKey('EdDSA', 'own');
  const extras: object[] = [
    { jku: 'https://attacker.example/jwks.json' },
    { x5u: 'https://attacker.example/cert.pem' },
    { jwk: own.jwk },
    { x5c: ['MIIB'] },
    { crit: ['b64'], b64: false },
    { crit: ['exp'] },
    { crit: [] },
    { b64: false },
    { b64: true },
    { zip: 'DEF' },
    { enc: 'A256GCM' },
    { cty: 'JWT' },
    { typ: 'dpop+jwt' },
    { typ: 'logout+jwt' },
    { typ: 5 },
  ];
  await refuseAll([
    ...extras.map((extra) => signRaw(ED, { alg: 'EdDSA', kid: 'ed', ...extra }, claims())),
    signRaw(own, { alg: 'EdDSA', kid: 'own', jwk: own.jwk }, claims()),
    signRaw(own, { alg: 'EdDSA', kid: 'ed', jwk: own.jwk }, claims()),
  ]);
});

test('duplicate names are refused in header and claims', async () => {
  const body = JSON.stringify(claims());
  await refuseAll([
    signRaw(ED, '{"alg":"none","alg":"EdDSA","kid":"ed"}', claims()),
    signRaw(ED, '{"alg":"EdDSA","kid":"x","kid":"ed"}', claims()),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, body.replace('{', '{"sub":"admin",')),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, body.replace('{', '{"s\\u0075b":"admin",')),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, body.replace('{', '{"__proto__":{"roles":["x"]},')),
  ]);
});

test('a changed token is refused although its original is remembered', async () => {
  for (const key of [ED, EC, RSA]) {
    const token = signToken(key, claims());
    await issuer.bearer(token);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const flipped = Buffer.from(signature, 'base64url');
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    await refuseAll([
      `${header}.${encode(issuer.claims({ roles: ['admin'] }))}.${signature}`,
      `${encode({ alg: key.alg, kid: key.kid })}.${payload}.${signature}`,
      `${header}.${payload}.${flipped.toString('base64url')}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}.${signature}AAAA`,
      `${header}.${payload}.`,
      `${header}.${payload}.${'A'.repeat(signature.length)}`,
    ]);
  }
});

test('a second spelling of a good token is refused', async () => {
  const token = signToken(ED, claims());
  const [header = '', payload = '', signature = ''] = token.split('.');
  // The last character of 64 bytes holds 4 unused bits: four spellings decode alike.
  const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map((last) => signature.slice(0, -1) + last)
    .filter((other) => other !== signature);
  await refuseAll([
    ...spellings.map((other) => `${header}.${payload}.${other}`),
    `${token}=`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}\n.${signature}`,
    `${token}.`,
    `.${token}`,
    token.replaceAll('-', '+').replaceAll('_', '/').concat('=='),
  ]);
});

test('the header is one scheme, one space, one token', async () => {
  const token = signToken(ED, claims());
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    await issuer.authenticate(`${scheme} ${token}`);
  }
  const headers = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    token,
    `Bearer  ${token}`,
    `Bearer\t${token}`,
    ` Bearer ${token}`,
    `Bearer ${token} `,
    `Bearer ${token}, Bearer ${token}`,
    `Basic ${token}`,
    `Bearer "${token}"`,
    `Bearer ${token}\n`,
  ];
  for (const header of headers) {
    await assert.rejects(issuer.authenticate(header), isRefusal, header);
  }
});

test('huge and hostile parts are refused before any key is looked at', async () => {
  const megabyte = 'A'.repeat(1024 * 1024);
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  await refuseAll([
    `${megabyte}.${encode(claims())}.AA`,
    `${encode({ alg: 'EdDSA', kid: 'ed' })}.${megabyte}.AA`,
    signToken(ED, issuer.claims({ pad: 'x'.repeat(8192) })),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, `{"a":${deep}}`),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, '[]'),
    signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, 'null'),
    signRaw(ED, '"EdDSA"', claims()),
    signRaw(ED, 'not json', claims()),
    '..',
    'a.b',
    'a.b.c.d',
    'eyJ.e30.AA',
  ]);
});

test('a weak or private key in the key set is no key', async () => {
  const secret = { kty: 'oct', k: encode('secret'), kid: 'oct', alg: 'HS256' };
  const leaked = { ...ED.privateKey.export({ format: 'jwk' }), kid: 'leaked' };
  const other = authenticatorFor({
    jwks: { kind: 'static', keys: [secret, leaked, null, 'x', {}] },
  });
  const input = `${encode({ alg: 'HS256', kid: 'oct' })}.${encode(other.claims())}`;
  const hmac = createHmac('sha256', 'secret').update(input).digest('base64url');
  await assert.rejects(other.bearer(`${input}.${hmac}`), isRefusal);
  await assert.rejects(
    other.bearer(signRaw(ED, { alg: 'EdDSA', kid: 'leaked' }, other.claims())),
    isRefusal,
  );
  await other.close();
});

test('a key id that names two different keys names none', async () => {
  const twin = makeKey('EdDSA', 'ed');
  const other = authenticatorFor({ jwks: { kind: 'static', keys: [ED.jwk, twin.jwk] } });
  await assert.rejects(other.bearer(signToken(ED, other.claims())), isRefusal);
  await assert.rejects(other.bearer(signToken(twin, other.claims())), isRefusal);
  await other.close();
});
