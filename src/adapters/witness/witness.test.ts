import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLogSigner } from '../../../test/helpers/tlog.ts';
import { VaultError } from '../../domain/errors.ts';
import { signCheckpoint } from '../../tlog/checkpoint.ts';
import { emptyRoot } from '../../tlog/hash.ts';
import { signatureLines } from '../../tlog/note.ts';
import { generateSigningKey, makeCosigner, parseSigningKey } from '../../tlog/signing-key.ts';
import type { Fetch } from './http.ts';
import { readWitnesses } from './read-witnesses.ts';

const origin = 'log.test/2026';
const size = 9;
const note = signCheckpoint({ origin, size, root: emptyRoot() }, [makeLogSigner(origin)]);
const text = note.slice(0, note.indexOf('\n\n') + 1);
const cosigner = makeCosigner(parseSigningKey(generateSigningKey('w.test')), () => 1_700_000_000);
const line = signatureLines(text, [cosigner]);
const policyOf = (url: string) => `witness w ${cosigner.verifierKey} ${url}\nquorum w\n`;

type Call = { url: string; init: RequestInit | undefined };

/** A witness whose answers are these, in order; the last one again and again. */
function witnessThat(...answers: (() => Response | Promise<Response>)[]) {
  const calls: Call[] = [];
  const fetch: Fetch = async (url, init) => {
    calls.push({ url: String(url), init });
    const answer = answers[Math.min(calls.length, answers.length) - 1];
    assert(answer !== undefined);
    return answer();
  };
  const [witness] = readWitnesses(policyOf('https://w.test/prefix/'), fetch).witnesses;
  assert(witness !== undefined);
  const ask = (signal = new AbortController().signal) =>
    witness.cosign({ origin, size, note, proofFrom: async () => [] }, signal);
  return { ask, calls };
}

const reply =
  (status: number, body = '', type = 'text/plain') =>
  () =>
    new Response(body, { status, headers: { 'content-type': type } });
const stale = (body: string) => reply(409, body, 'text/x.tlog.size');

test('the request goes to add-checkpoint below the prefix, and follows no redirect', async () => {
  const { ask, calls } = witnessThat(reply(200, line));
  assert.deepEqual(await ask(), { kind: 'cosigned', line });
  assert.equal(calls[0]?.url, 'https://w.test/prefix/add-checkpoint');
  assert.equal(calls[0]?.init?.method, 'POST');
  assert.equal(calls[0]?.init?.redirect, 'error');
  assert.equal(calls[0]?.init?.body, `old 0\n\n${note}`);
});

test('after a conflict it asks once more, from the size that the witness names', async () => {
  const { ask, calls } = witnessThat(stale('4\n'), reply(200, line));
  assert.equal((await ask()).kind, 'cosigned');
  assert.equal(String(calls[1]?.init?.body).split('\n')[0], 'old 4');
});

test('a witness that always conflicts is asked twice, no more', async () => {
  const { ask, calls } = witnessThat(stale('4\n'), stale('5\n'));
  assert.deepEqual(await ask(), { kind: 'failed', reason: 'answer_unusable' });
  assert.equal(calls.length, 2);
});

test('a larger size is passed on with what the witness shows for it', async () => {
  const shown = witnessThat(stale('10\n'), reply(200, 'shown'));
  assert.deepEqual(await shown.ask(), { kind: 'ahead', size: 10, note: 'shown' });
  assert.match(shown.calls[1]?.url ?? '', /^https:\/\/w\.test\/prefix\/[0-9a-f]{64}\/checkpoint$/);
  const silent = witnessThat(stale('10\n'), reply(404));
  assert.deepEqual(await silent.ask(), { kind: 'ahead', size: 10 });
});

const FAILURES = [
  ['unknown_log', reply(404)],
  ['unknown_key', reply(403)],
  ['proof_refused', reply(422)],
  ['proof_refused', reply(400)],
  ['answer_unusable', reply(500)],
  ['answer_unusable', reply(302)],
  ['answer_unusable', reply(409, '4\n', 'text/plain')],
  ['answer_unusable', stale('4')],
  ['answer_unusable', stale('04\n')],
  ['answer_unusable', stale('-1\n')],
  ['answer_unusable', stale('99999999999999999999\n')],
  ['cosignature_wrong', reply(200, '')],
  ['cosignature_wrong', reply(200, line.trimEnd().replace(/.{8}=*$/, 'AAAAAAA='))],
  ['cosignature_wrong', reply(200, signatureLines('another\ntext\n', [cosigner]))],
  ['unreachable', () => Promise.reject(new TypeError('refused'))],
  ['unreachable', reply(200, line + 'x'.repeat(70_000))],
] as const;

for (const [at, [reason, answer]] of FAILURES.entries()) {
  test(`an answer that is no cosignature fails as ${reason} (${at})`, async () => {
    assert.deepEqual(await witnessThat(answer).ask(), { kind: 'failed', reason });
  });
}

test('an aborted request has failed for time, and a failing proof is the caller’s', async () => {
  const { ask } = witnessThat(() => Promise.reject(new Error('aborted')));
  assert.deepEqual(await ask(AbortSignal.abort()), { kind: 'failed', reason: 'timeout' });
  const [witness] = readWitnesses(policyOf('https://w.test')).witnesses;
  const proofFrom = () => Promise.reject(new Error('no tiles'));
  const cosign = witness?.cosign({ origin, size, note, proofFrom }, AbortSignal.abort());
  await assert.rejects(cosign ?? Promise.resolve(), /no tiles/);
});

for (const url of [
  '',
  'http://w.test',
  'http://localhost.w.test',
  'https://user:pass@w.test',
  'https://w.test/?a=b',
  'ftp://w.test',
  'nonsense',
]) {
  test(`refused in one line: a witness at "${url}"`, () => {
    assert.throws(
      () => readWitnesses(policyOf(url)),
      (error) =>
        error instanceof VaultError &&
        /^COUNTERFOIL_AUDIT_WITNESSES: the witness w [^\n]+$/.test(error.message),
    );
  });
}

test('http is for loopback addresses, and a policy that is none is refused in one line', () => {
  for (const host of ['127.0.0.1:9', 'localhost:9', '[::1]:9']) {
    assert.equal(readWitnesses(policyOf(`http://${host}/`)).witnesses.length, 1);
  }
  for (const file of ['', 'quorum', 'witness w\nquorum none\n']) {
    assert.throws(() => readWitnesses(file), {
      code: 'internal',
      message: /^COUNTERFOIL_AUDIT_WITNESSES: [^\n]+$/,
    });
  }
});
