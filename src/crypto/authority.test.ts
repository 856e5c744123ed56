import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from './authority.ts';
import { SecretKey } from './secret.ts';

const authority = makeAuthority(SecretKey.take(Buffer.alloc(32, 1)));
const FIELDS = [1, 'policy', Buffer.from('hash')];

test('a MAC holds for the kind and fields that it was made for, and for nothing else', () => {
  const mac = authority.mac('policy', FIELDS);
  assert.equal(mac.length, 32);
  assert.ok(authority.verify('policy', FIELDS, mac));
  assert.ok(!authority.verify('key', FIELDS, mac));
  for (const other of [
    [2, ...FIELDS.slice(1)],
    FIELDS.slice(1),
    [...FIELDS, ''],
    FIELDS.toReversed(),
  ]) {
    assert.ok(!authority.verify('policy', other, mac));
  }
});

test('kind and first field cannot trade characters', () => {
  assert.ok(!authority.verify('pol', ['icy', 1], authority.mac('policy', ['', 1])));
});

test('altered, cut or empty MACs, and those of another key, are refused', () => {
  const mac = authority.mac('policy', FIELDS);
  for (let at = 0; at < mac.length; at += 1) {
    const altered = Buffer.from(mac);
    altered[at] = altered.readUInt8(at) ^ 1;
    assert.ok(!authority.verify('policy', FIELDS, altered));
    assert.ok(!authority.verify('policy', FIELDS, mac.subarray(0, at)));
  }
  const other = makeAuthority(SecretKey.take(Buffer.alloc(32, 2)));
  assert.ok(!authority.verify('policy', FIELDS, other.mac('policy', FIELDS)));
});
