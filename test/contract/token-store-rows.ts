import { randomBytes } from 'node:crypto';
import { shardOf } from '../../src/domain/tokens/shard.ts';
import type {
  ImportedToken,
  NewToken,
  StoredToken,
} from '../../src/operations/ports/token-store.ts';

/** The vault of rows that do not say otherwise. */
export const VAULT_ID = 1;
const SEALED_MIN_BYTES = 61;
/** A minute ago. */
export const past = () => new Date(Date.now() - 60_000);
/** In an hour. */
export const future = () => new Date(Date.now() + 3_600_000);

/** A token that nobody else has, with the fields of one that is stored. */
export function newToken(overrides: Partial<NewToken> = {}): NewToken {
  const token = overrides.token ?? `tok_${randomBytes(12).toString('hex')}`;
  const sealed = randomBytes(SEALED_MIN_BYTES);
  sealed.writeUInt32BE(1, 1);
  const shard = shardOf(token);
  return {
    vaultId: VAULT_ID,
    shard,
    token,
    fieldId: 1,
    sealed,
    sealedForSubject: false,
    ...overrides,
  };
}

/** Two tokens for one value: the second loses against the first. Both lie in the value's shard. */
export function twins(version = 1, fieldId = 1): [NewToken, NewToken] {
  const fingerprint = { version, digest: randomBytes(16) };
  return [
    newToken({ fingerprint, fieldId, shard: 7 }),
    newToken({ fingerprint, fieldId, shard: 7 }),
  ];
}

/** A new row of a token of a small format. */
export function smallToken(overrides: Partial<NewToken> = {}): NewToken {
  return newToken({ small: { tombstone: randomBytes(16), space: -7 }, ...overrides });
}

/** What makes a call repeatable, as nobody else has it. */
export function newAnswer() {
  return { key: randomBytes(32), body: randomBytes(32), answer: randomBytes(80) };
}

/** A token that was issued elsewhere, for the value of this fingerprint. */
export function importedToken(
  known?: Pick<NewToken, 'shard' | 'fingerprint'>,
  overrides: Partial<NewToken> = {},
): ImportedToken {
  const {
    fingerprint: _,
    idempotency: __,
    ...row
  } = newToken({
    token: `theirs-${randomBytes(12).toString('hex')}`,
    ...overrides,
  });
  if (known?.fingerprint === undefined) return row;
  const { shard, fingerprint } = known;
  const token = `~${randomBytes(12).toString('hex')}`;
  return { ...row, alias: { shard, fingerprint, token, sealed: randomBytes(SEALED_MIN_BYTES) } };
}

/** A row as any read gives it: without the moment at which it was read. */
export function unread(row: StoredToken | undefined): Omit<StoredToken, 'readAtMs'> | undefined {
  if (row === undefined) return undefined;
  const { readAtMs: _, ...rest } = row;
  return rest;
}
