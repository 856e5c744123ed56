import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { CachedRow } from './entry.ts';
import { makeMemoryTokens } from './memory-tokens.ts';

const MEBIBYTE = 1024 * 1024;

function row(overrides: Partial<CachedRow> = {}): CachedRow {
  return {
    token: `tok_${randomBytes(13).toString('hex')}`,
    shard: 7,
    fieldId: 3,
    sealed: randomBytes(77),
    createdAt: new Date(1_700_000_000_123),
    readAtMs: 1_700_000_000_456.75,
    ...overrides,
  };
}

const keyOf = ({ token, shard }: CachedRow) => ({ vaultId: 1, shard, token });
const valueKey = (digest: Buffer) => ({
  vaultId: 1,
  shard: 7,
  fieldId: 3,
  fingerprint: { version: 1, digest },
});

it('gives back what it was given, in buffers of its own', () => {
  const memory = makeMemoryTokens({ maxBytes: MEBIBYTE });
  for (const kept of [row(), row({ expiresAt: new Date(1_800_000_000_000) })]) {
    const before = structuredClone({ ...kept, sealed: kept.sealed.toString('hex') });
    memory.keep(keyOf(kept), kept);
    const expected = { ...kept, sealed: Buffer.from(kept.sealed) };
    kept.sealed.fill(0);
    assert.deepEqual(memory.find(keyOf(kept)), expected);
    assert.equal(expected.sealed.toString('hex'), before.sealed);
  }
});

it('finds a value only as long as its token is the row that it was', () => {
  const memory = makeMemoryTokens({ maxBytes: MEBIBYTE });
  const [key, kept] = [valueKey(randomBytes(16)), row()];
  memory.keep(key, kept);
  assert.deepEqual(memory.find(key), kept);
  assert.deepEqual(memory.find(keyOf(kept)), kept);
  const anew = row({ token: kept.token });
  memory.keep(keyOf(anew), anew);
  assert.equal(memory.find(key), undefined, 'the string stands for another value now');
  memory.keep(key, kept);
  memory.forget({ vaultId: 1, token: kept.token });
  assert.equal(memory.find(key), undefined);
});

it('takes no token of one vault for that of another, and no value for a token', () => {
  const memory = makeMemoryTokens({ maxBytes: MEBIBYTE });
  const [key, kept] = [valueKey(randomBytes(16)), row()];
  memory.keep(key, kept);
  assert.equal(memory.find({ ...keyOf(kept), vaultId: 11 }), undefined);
  for (const other of [{ vaultId: 11 }, { fieldId: 33 }]) {
    assert.equal(memory.find({ ...key, ...other }), undefined);
  }
  const fingerprint = { ...key.fingerprint, version: 3 };
  assert.equal(memory.find({ ...key, fingerprint }), undefined);
  const name = `3:1:${key.fingerprint.digest.toString('latin1')}`;
  assert.equal(memory.find({ vaultId: 1, shard: 7, token: name }), undefined);
});

it('stays within its bytes, counts all it has, and lets the least recently used go', () => {
  const memory = makeMemoryTokens({ maxBytes: MEBIBYTE });
  const rows = Array.from({ length: 5_000 }, () => row());
  const [first] = rows as [CachedRow];
  for (const one of rows) {
    memory.keep(keyOf(one), one);
    assert.ok(memory.find(keyOf(first)), 'it is in use');
    assert.ok(memory.size().bytes <= MEBIBYTE);
  }
  const { entries, bytes } = memory.size();
  assert.ok(entries > 1_500 && entries < 3_000, String(entries));
  assert.ok(bytes / entries > 477);
  assert.equal(memory.find(keyOf(rows[1] as CachedRow)), undefined);
});

it('keeps nothing when it may keep nothing', () => {
  const memory = makeMemoryTokens({ maxBytes: 0 });
  const kept = row();
  memory.keep(keyOf(kept), kept);
  assert.equal(memory.find(keyOf(kept)), undefined);
  assert.deepEqual(memory.size(), { entries: 0, bytes: 0 });
});
