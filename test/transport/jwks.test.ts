import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  authenticatorFor,
  isRefusal,
  makeKey,
  makeTestClock,
  signToken,
  startIssuerServer,
  type TestKey,
} from './issuer.ts';

const OLD = makeKey('EdDSA', 'old');
const NEW = makeKey('EdDSA', 'new');
const MINUTE_MS = 60_000;
const keySet = (...keys: TestKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/** Closes by itself when the test ends, however it ends. */
async function startServed(t: TestContext, ...keys: TestKey[]) {
  const documents = new Map([['/jwks', keySet(...keys)]]);
  const server = await startIssuerServer(documents);
  const issuer = authenticatorFor({ jwks: { kind: 'url', url: `${server.url}/jwks` } });
  t.after(async () => {
    await issuer.close();
    await server.close();
  });
  return {
    ...issuer,
    publish: (...next: TestKey[]) => documents.set('/jwks', keySet(...next)),
    breakServer: () => documents.delete('/jwks'),
    reads: () => server.reads('/jwks'),
  };
}

test('keys are read once for many callers at the same time', async (t) => {
  const issuer = await startServed(t, OLD);
  const token = signToken(OLD, issuer.claims());
  await Promise.all(Array.from({ length: 50 }, () => issuer.bearer(token)));
  assert.equal(issuer.reads(), 1);
});

test('a new key is found when its first token comes', async (t) => {
  const issuer = await startServed(t, OLD);
  await issuer.bearer(signToken(OLD, issuer.claims()));
  issuer.publish(OLD, NEW);
  issuer.clock.advance(30_000);
  await issuer.bearer(signToken(NEW, issuer.claims()));
  assert.equal(issuer.reads(), 2);
});

test('unknown key ids cost the issuer one read in 30 s', async (t) => {
  const issuer = await startServed(t, OLD);
  await issuer.bearer(signToken(OLD, issuer.claims()));
  for (let second = 0; second < 29; second += 1) {
    issuer.clock.advance(1000);
    await assert.rejects(issuer.bearer(signToken(NEW, issuer.claims())), isRefusal);
  }
  assert.equal(issuer.reads(), 1);
  issuer.clock.advance(1000);
  await assert.rejects(issuer.bearer(signToken(NEW, issuer.claims())), isRefusal);
  assert.equal(issuer.reads(), 2);
});

test('a withdrawn key stops with the refresh, although its signature is remembered', async (t) => {
  const issuer = await startServed(t, OLD, NEW);
  const token = signToken(OLD, issuer.claims({ exp: issuer.clock.nowS() + 3600 }));
  await issuer.bearer(token);
  issuer.publish(NEW);
  issuer.clock.advance(30_000);
  // Another caller's unknown key id causes the refresh; the remembered signature is 30 s old.
  await assert.rejects(issuer.bearer(signToken(makeKey('EdDSA', 'x'), issuer.claims())), isRefusal);
  assert.equal(issuer.recall(token), undefined);
  await assert.rejects(issuer.bearer(token), isRefusal);
});

test('a key replaced under the same id takes its remembered signatures along', async (t) => {
  const issuer = await startServed(t, OLD);
  const token = signToken(OLD, issuer.claims());
  await issuer.bearer(token);
  issuer.publish(makeKey('EdDSA', 'old'));
  issuer.clock.advance(30_000);
  await assert.rejects(issuer.bearer(signToken(NEW, issuer.claims())), isRefusal);
  assert.equal(issuer.recall(token), undefined);
  await assert.rejects(issuer.bearer(token), isRefusal);
});

test('nobody is recalled while the keys are due for a refresh', async (t) => {
  const issuer = await startServed(t, OLD);
  const claims = issuer.claims({ exp: issuer.clock.nowS() + 3600 });
  await issuer.bearer(signToken(OLD, claims));
  issuer.clock.advance(4.5 * MINUTE_MS);
  const token = signToken(OLD, claims);
  await issuer.bearer(token);
  assert.notEqual(issuer.recall(token), undefined);
  issuer.clock.advance(0.5 * MINUTE_MS);
  assert.equal(issuer.recall(token), undefined);
  await issuer.bearer(token);
});

test('a service that was quiet for long reads the keys anew before it answers', async (t) => {
  const issuer = await startServed(t, OLD);
  await issuer.bearer(signToken(OLD, issuer.claims()));
  issuer.publish(NEW);
  issuer.clock.advance(10 * MINUTE_MS);
  await assert.rejects(issuer.bearer(signToken(OLD, issuer.claims())), isRefusal);
});

test('the last good keys serve for an hour while the issuer is down, and then no more', async (t) => {
  const issuer = await startServed(t, OLD);
  await issuer.bearer(signToken(OLD, issuer.claims()));
  issuer.breakServer();
  issuer.clock.advance(59 * MINUTE_MS);
  await issuer.bearer(signToken(OLD, issuer.claims()));
  issuer.clock.advance(MINUTE_MS);
  await assert.rejects(issuer.bearer(signToken(OLD, issuer.claims())), isRefusal);
  issuer.publish(OLD);
  issuer.clock.advance(1000);
  await issuer.bearer(signToken(OLD, issuer.claims()));
});

async function tryDocuments(documents: Record<string, string>, issuerPath = '') {
  const map = new Map<string, string>();
  const served = await startIssuerServer(map);
  for (const [path, text] of Object.entries(documents)) {
    map.set(path, text.replaceAll('$URL', served.url));
  }
  const issuer = authenticatorFor({ issuer: `${served.url}${issuerPath}`, jwks: { kind: 'url' } });
  try {
    return await issuer.bearer(signToken(OLD, issuer.claims()));
  } finally {
    await issuer.close();
    await served.close();
  }
}

const WELL_KNOWN = '/.well-known/openid-configuration';

test('discovery finds the keys of an issuer with and without a path', async () => {
  const at = (path: string) => JSON.stringify({ issuer: `$URL${path}`, jwks_uri: '$URL/keys' });
  await tryDocuments({ [WELL_KNOWN]: at(''), '/keys': keySet(OLD) });
  await tryDocuments({ [`/realm${WELL_KNOWN}`]: at('/realm'), '/keys': keySet(OLD) }, '/realm');
  await tryDocuments({ [`/realm${WELL_KNOWN}`]: at('/realm/'), '/keys': keySet(OLD) }, '/realm/');
});

test('discovery that names another issuer, moves, or points outside of https is refused', async () => {
  const good = JSON.stringify({ issuer: '$URL', jwks_uri: '$URL/keys' });
  const keys = { '/keys': keySet(OLD) };
  const broken: Record<string, string>[] = [
    { ...keys, [WELL_KNOWN]: good.replace('"$URL"', '"https://other.example"') },
    { ...keys, [WELL_KNOWN]: 'redirect:/moved', '/moved': good },
    { ...keys, [WELL_KNOWN]: good.replace('$URL/keys', 'http://192.0.2.1/keys') },
    { ...keys, [WELL_KNOWN]: good.replace('$URL/keys', 'file:///etc/passwd') },
    { ...keys, [WELL_KNOWN]: JSON.stringify({ issuer: '$URL' }) },
    { ...keys, [WELL_KNOWN]: 'not json' },
    { [WELL_KNOWN]: good, '/keys': 'redirect:/elsewhere', '/elsewhere': keySet(OLD) },
    { [WELL_KNOWN]: good, '/keys': JSON.stringify([OLD.jwk]) },
    { [WELL_KNOWN]: good, '/keys': JSON.stringify({ keys: [OLD.jwk], pad: 'x'.repeat(300_000) }) },
    { [WELL_KNOWN]: good },
  ];
  for (const documents of broken) {
    await assert.rejects(tryDocuments(documents), isRefusal);
  }
});

test('an issuer that never answers costs a deadline, not a hang', async () => {
  const clock = makeTestClock();
  const deadlines: (AbortSignal | null | undefined)[] = [];
  const issuer = authenticatorFor({
    clock,
    jwks: { kind: 'url', url: 'https://issuer.example/jwks' },
    fetch: (_url, init) => {
      deadlines.push(init?.signal);
      return Promise.reject(new DOMException('late', 'TimeoutError'));
    },
  });
  await assert.rejects(issuer.bearer(signToken(OLD, issuer.claims())), isRefusal);
  assert.equal(deadlines.length, 1);
  assert.equal(deadlines[0] instanceof AbortSignal, true);
  await issuer.close();
});
