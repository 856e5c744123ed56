import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCursor, sealCursor } from './audit-cursor.ts';
import { SecretKey } from './secret.ts';

const monthKey = (month: number, byte: number) => ({
  month,
  key: SecretKey.take(Buffer.alloc(32, byte)),
});
const NOV = monthKey(202_611, 1);
const DEC = monthKey(202_612, 2);
const PLACE = { logId: 4_294_967_295, index: 2 ** 48 - 1 };
const REFUSED = {
  code: 'invalid_request',
  problems: [{ path: '/cursor', rule: 'not_a_cursor_of_this_search' }],
};

test('a cursor names its place while its month has a key', () => {
  const cursor = sealCursor(NOV, 'query', PLACE);
  assert.deepEqual(openCursor([DEC, NOV], 'query', cursor), PLACE);
  assert.throws(() => openCursor([DEC], 'query', cursor), REFUSED);
  assert.throws(() => openCursor([monthKey(NOV.month, 3)], 'query', cursor), REFUSED);
});

test('a cursor of another query, an altered one, or another spelling of one is refused', () => {
  const cursor = sealCursor(NOV, 'query', PLACE);
  assert.throws(() => openCursor([NOV], 'other', cursor), REFUSED);
  const bytes = Buffer.from(cursor, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const altered = Buffer.from(bytes);
    altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
    assert.throws(() => openCursor([NOV], 'query', altered.toString('base64url')), REFUSED);
  }
  for (const text of ['', 'A', `${cursor}=`, ` ${cursor}`, `${cursor}\n`, 'é', 'A'.repeat(9_999)]) {
    assert.throws(() => openCursor([NOV], 'query', text), REFUSED);
  }
});
