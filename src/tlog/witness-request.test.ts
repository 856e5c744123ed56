import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeLogSigner, refusal } from '../../test/helpers/tlog.ts';
import { signCheckpoint } from './checkpoint.ts';
import { emptyRoot } from './hash.ts';
import { formatWitnessRequest, parseWitnessRequest } from './witness-request.ts';

const origin = 'log.test/2026';
const checkpoint = signCheckpoint({ origin, size: 9, root: emptyRoot() }, [makeLogSigner(origin)]);
const hashes = (count: number) => Array.from({ length: count }, (_, at) => Buffer.alloc(32, at));

test('a request has the form of the specification', () => {
  const proof = hashes(2);
  assert.equal(
    formatWitnessRequest({ oldSize: 7, proof, checkpoint }),
    `old 7\n${'A'.repeat(43)}=\n${proof[1]?.toString('base64')}\n\n${checkpoint}`,
  );
  assert.equal(
    formatWitnessRequest({ oldSize: 0, proof: [], checkpoint }),
    `old 0\n\n${checkpoint}`,
  );
});

test('what was written is read back, with 0 to 63 hashes', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 63 }), (oldSize, count) => {
      const request = { oldSize, proof: hashes(count), checkpoint };
      assert.deepEqual(parseWitnessRequest(formatWitnessRequest(request)), request);
    }),
    { numRuns: 50 },
  );
});

test('more than 63 hashes are neither written nor read', () => {
  const proof = hashes(64);
  const lines = proof.map((hash) => `${hash.toString('base64')}\n`).join('');
  const written = () => formatWitnessRequest({ oldSize: 1, proof, checkpoint });
  assert.throws(written, refusal('request_malformed'));
  const read = () => parseWitnessRequest(`old 1\n${lines}\n${checkpoint}`);
  assert.throws(read, refusal('request_malformed'));
});

const MALFORMED = {
  'no old size': `\n\n${checkpoint}`,
  'an old size with leading zeros': `old 07\n\n${checkpoint}`,
  'a negative old size': `old -1\n\n${checkpoint}`,
  'a hash that is too short': `old 1\nAAAA\n\n${checkpoint}`,
  'base64 that is not canonical': `old 1\n${'A'.repeat(42)}B=\n\n${checkpoint}`,
  'no checkpoint': 'old 1\n',
};

for (const [why, body] of Object.entries(MALFORMED)) {
  test(`refused: ${why}`, () => {
    assert.throws(() => parseWitnessRequest(body), refusal('request_malformed'));
  });
}

test('refused: a checkpoint that is none', () => {
  assert.throws(() => parseWitnessRequest('old 1\n\nhello\n'), refusal('note_malformed'));
  const note = checkpoint.replace('\n9\n', '\n09\n');
  assert.throws(() => parseWitnessRequest(`old 1\n\n${note}`), refusal('checkpoint_malformed'));
});
