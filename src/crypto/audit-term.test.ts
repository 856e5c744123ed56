import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { eventTerm, TERM_KINDS, type TermKind, termOf } from './audit-term.ts';
import { frame } from './framing.ts';
import { SecretKey } from './secret.ts';

const BYTES = Buffer.alloc(32, 7);
const key = SecretKey.take(Buffer.from(BYTES));
const KINDS = Object.keys(TERM_KINDS) as TermKind[];

test('a term is the first 64 bits of HMAC-SHA-256 over label, kind and text', () => {
  for (const kind of KINDS) {
    for (const text of ['', 'ada', 'tök_1', 'x'.repeat(300)]) {
      const framed = frame(['counterfoil/audit-term/v1', TERM_KINDS[kind], text]);
      const mac = createHmac('sha256', BYTES).update(framed).digest();
      assert.deepEqual(termOf(key, kind, text), { kind, hash: mac.readBigInt64BE() });
    }
  }
});

test('terms differ by key, kind and text', () => {
  const other = SecretKey.take(Buffer.alloc(32, 8));
  const hashes = [
    ...KINDS.map((kind) => termOf(key, kind, 'a').hash),
    ...KINDS.map((kind) => termOf(key, kind, 'b').hash),
    ...KINDS.map((kind) => termOf(other, kind, 'a').hash),
  ];
  assert.equal(new Set(hashes).size, 3 * KINDS.length);
});

test('the numbers of kinds are those in stored batches', () => {
  assert.deepEqual(TERM_KINDS, { token: 1, actor: 2, reference: 3, purpose: 4 });
});

test('an event is found by the first 64 bits of its id', () => {
  assert.equal(eventTerm('AAAAAAAAAAEAAAAAAAAAAA'), 1n);
  assert.equal(eventTerm('__________8AAAAAAAAAAA'), -1n);
});
