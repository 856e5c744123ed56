import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeStaticLog } from '../../test/helpers/static-log.ts';
import { makeMemoryLog, refusal } from '../../test/helpers/tlog.ts';
import { disclose } from '../crypto/disclosure.ts';
import { randomBytes } from '../crypto/random.ts';
import { parsePolicy } from '../tlog/parse-policy.ts';
import { formatReceipt } from '../tlog/receipt.ts';
import { verifyReceiptFile } from './verify-receipt.ts';

const log = makeStaticLog();
const writer = log.writer();
while (log.size() < 300) writer.write({ vault: 'demo' });
const INDEX = 270;
const { entries, checkpoint } = log.export();
const proof = await makeMemoryLog(entries).proverAt(300).inclusion(INDEX);
const leaf = String(entries[INDEX]);
const { who = '', what = '' } = log.disclosures.get(INDEX) ?? {};
const policy = parsePolicy(log.policy);

const receiptOf = (extra: unknown, index = INDEX) =>
  formatReceipt({ index, proof, checkpoint, extra: Buffer.from(JSON.stringify(extra)) });

test('a receipt alone proves the event, and says who and what', () => {
  const receipt = verifyReceiptFile(receiptOf({ leaf, disclosures: [who, what] }), policy);
  assert.equal(receipt.origin, log.origin);
  assert.equal(receipt.index, INDEX);
  assert.equal(receipt.leaf.op, 'detokenize');
  assert.deepEqual(
    receipt.disclosures.map(({ label }) => label),
    ['who', 'what'],
  );
  assert.deepEqual(receipt.disclosures[1]?.value, {
    req: { purpose: 'support' },
    tok: ['tok_1'],
  });
});

test('a receipt without disclosures, for an erased event say, still proves the event', () => {
  const receipt = verifyReceiptFile(receiptOf({ leaf, disclosures: [] }), policy);
  assert.deepEqual(receipt.disclosures, []);
});

test('another leaf, place, log or disclosure is refused', () => {
  const refused = (extra: unknown, code: Parameters<typeof refusal>[0], index?: number) =>
    assert.throws(() => verifyReceiptFile(receiptOf(extra, index), policy), refusal(code));
  refused({ leaf: leaf.replace('allow', 'deny'), disclosures: [] }, 'proof_refused');
  refused({ leaf: ` ${leaf}`, disclosures: [] }, 'proof_refused');
  refused({ leaf, disclosures: [] }, 'proof_refused', INDEX + 1);
  const forged = disclose('who', { actor: { sub: 'eve' } }, randomBytes).disclosure;
  refused({ leaf, disclosures: [forged] }, 'proof_refused');
  const stranger = parsePolicy(makeStaticLog().policy);
  const receipt = receiptOf({ leaf, disclosures: [] });
  assert.throws(() => verifyReceiptFile(receipt, stranger), refusal('note_unverified'));
});

test('what is no receipt of ours is malformed', () => {
  const bare = formatReceipt({ index: INDEX, proof, checkpoint });
  const files = [bare, receiptOf([]), receiptOf({ leaf }), receiptOf({ leaf: 7, disclosures: [] })];
  for (const file of files) {
    assert.throws(() => verifyReceiptFile(file, policy), refusal('receipt_malformed'));
  }
});
