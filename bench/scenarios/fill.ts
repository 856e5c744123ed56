// Fills a vault with tokens faster than any client could: by the token store's own statement, with values that
// are really sealed, found again and answered by the service like any other.
import { Pool } from 'pg';
import { makeWrappedKeyStore } from '../../src/adapters/postgres/keys.ts';
import { insertTokens } from '../../src/adapters/postgres/token-inserts.ts';
import { readSealId } from '../../src/adapters/postgres/vaults.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { readRootKey } from '../../src/app/root-key.ts';
import { systemClock as clock } from '../../src/app/system-clock.ts';
import { makeKeyring } from '../../src/crypto/keyring.ts';
import { makeKeysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { shardOf } from '../../src/domain/tokens/shard.ts';
import type { NewToken } from '../../src/operations/ports/token-store.ts';
import { type TestDatabase, withClient } from '../../test/helpers/database.ts';
import type { Lab } from '../lab/lab.ts';
import { policyText } from '../lab/policies.ts';

const BATCH = 1_000;
const CONNECTIONS = 2;

/**
 * Stores so many e-mail addresses in vault `one` of a database that an instance has started on, and returns up
 * to `keep` of their tokens, evenly spread.
 */
export async function fillTokens(
  lab: Lab,
  asked: { database: TestDatabase; count: number; keep: number; stop: AbortSignal },
): Promise<{ tokens: string[]; seconds: number }> {
  const { database, count, keep, stop } = asked;
  const startedMs = performance.now();
  const pool = new Pool({
    connectionString: database.serviceUrl,
    max: CONNECTIONS,
    application_name: 'fill',
    // What a crash would lose is filled in again. The service has connections of its own.
    options: '-c synchronous_commit=off',
  });
  try {
    const makeRow = await makeRowMaker(lab, pool);
    const every = Math.max(1, Math.floor(count / keep));
    const tokens: string[] = [];
    let made = 0;
    const writer = async () => {
      while (made < count) {
        stop.throwIfAborted();
        const first = made;
        const size = Math.min(BATCH, count - first);
        made += size;
        const rows = Array.from({ length: size }, (_, n) => makeRow(first + n));
        await store(pool, rows);
        rows.forEach(({ token }, n) => {
          if ((first + n) % every === 0) tokens.push(token);
        });
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, writer));
    // As autovacuum would before long.
    await withClient(database.ownerUrl, (client) => client.query('vacuum analyze token'));
    await lab.postgres.checkpoint();
    return { tokens: tokens.slice(0, keep), seconds: (performance.now() - startedMs) / 1_000 };
  } finally {
    await pool.end();
  }
}

async function store(pool: Pool, rows: readonly NewToken[]): Promise<void> {
  const results = await insertTokens({ pool, clock }, rows);
  if (results.some(({ kind }) => kind !== 'inserted')) throw new Error('a row was not stored');
}

/** Makes the rows that the service would make for addresses that nobody has asked for. */
async function makeRowMaker(lab: Lab, pool: Pool): Promise<(n: number) => NewToken> {
  const requests = { pool, clock };
  const keyring = makeKeyring({ rootKey: await readRootKey(lab.rootKeyPath) });
  const store = makeWrappedKeyStore(requests);
  const sealIdOf = (id: number) => readSealId(requests, id);
  const keysets = makeKeysets({ store, keyring, clock, sealIdOf });
  const { rows } = await pool.query<{ vault: number; field: number }>(
    `select v.id as vault, f.id as field from vault v join field f on f.vault_id = v.id
     where v.name = 'one' and f.name = 'email'`,
  );
  const [place] = rows;
  const field = readPolicy(policyText('one')).policy.fields.get('email');
  if (place === undefined || field === undefined) throw new Error('there is no vault to fill');
  const vaultId = place.vault;
  const fieldId = place.field;
  const cipher = await keysets.cipherOf(vaultId);
  await keysets.close();
  return (n) => {
    const value = `stored${n}@example.com`;
    const known = { fieldId, scope: 'vault', value };
    const token = field.token.format.spaceOf(value).draw(randomBytes, cipher.placement(known));
    if (token === undefined) throw new Error('no token was drawn');
    return {
      vaultId,
      shard: shardOf(token),
      token,
      fieldId,
      fingerprint: cipher.fingerprint(known),
      sealed: cipher.sealValue(value, { fieldId, token }),
      sealedForSubject: false,
    };
  };
}
