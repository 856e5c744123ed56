import { makeWrappedKeyStore } from '../adapters/postgres/keys.ts';
import { checkSchema } from '../adapters/postgres/migrate.ts';
import { readMigrations } from '../adapters/postgres/migration-files.ts';
import { makePool } from '../adapters/postgres/pool.ts';
import { isRowFault } from '../adapters/postgres/sqlstate.ts';
import { restoreVault, type VaultInMaking } from '../adapters/postgres/vault-restore.ts';
import type { Config } from '../config/load-config.ts';
import type { Authority } from '../crypto/authority.ts';
import { sha256 } from '../crypto/digest.ts';
import { type KeyTransfer, makeKeyTransfer } from '../crypto/key-transfer.ts';
import { makeKeyring } from '../crypto/keyring.ts';
import { makeKeysets } from '../crypto/keysets.ts';
import { VaultError } from '../domain/errors.ts';
import type { DumpTable } from '../operations/ports/vault-dump.ts';
import type { ExportCounts, ExportHeader } from '../operations/vault-export/format.ts';
import { type Operator, withOperator } from './audit/operator.ts';
import { findSource } from './audit/tail.ts';
import { macOfField, macOfPolicy } from './authority-rows.ts';
import { MIGRATIONS } from './database.ts';
import { readPolicy } from './policy-files.ts';
import { decryptedLines, readIdentities } from './restore-file.ts';
import { type ExportPart, readExport } from './restore-lines.ts';
import { systemClock as clock } from './system-clock.ts';

const PAGE_ROWS = 500;
/** Of a vault that has just come. */
const FIRST_VERSION = 1;

/** What was put in place. */
export type Restored = { vault: string; exportedAt: string; rows: ExportCounts };

type Export = Awaited<ReturnType<typeof readExport>>;

/**
 * Puts an exported vault in place in the database of `DATABASE_URL`, else of the `dev` instance that runs in
 * the data directory: its keys wrapped by the root key here, everything else as it was. All of it or nothing.
 * Running services know the vault when they have been started again. Rejects with one line for the operator.
 */
export async function restoreExport(
  config: Config,
  paths: { file: string; identity: string },
): Promise<Restored> {
  const identities = await readIdentities(paths.identity);
  const { databaseUrl, rootKey } = await findSource(config);
  const lines = decryptedLines(paths.file, identities);
  const pool = makePool({ connectionString: databaseUrl, max: 3, name: 'counterfoil-restore' });
  try {
    await checkSchema({ pool, directory: MIGRATIONS });
    const keyring = makeKeyring({ rootKey });
    const store = makeWrappedKeyStore({ pool, clock });
    const keysets = makeKeysets({ store, keyring, clock });
    await keysets.ensureSystem();
    const authority = await keysets.authority();
    const transfer = makeKeyTransfer({ store, keyring, authority: keysets.authority });
    return await withOperator({ pool, keysets }, async (operator) => {
      const read = await readExport(lines);
      return putInPlace(operator, read, { authority, transfer });
    });
  } finally {
    await lines.return();
    await pool.end();
  }
}

type Signing = { authority: Authority; transfer: KeyTransfer };

async function putInPlace(operator: Operator, read: Export, signing: Signing): Promise<Restored> {
  const { header } = read;
  const { vault, sealId, exportedAt } = header;
  await checkHeader(header);
  const rows = await restoreVault(operator.pool, { name: vault, sealId }, async (id, making) => {
    await addAuthorityRows(making, { vaultId: id, header, authority: signing.authority });
    for await (const page of pagesOf(read.parts)) {
      if ('key' in page) await making.addKey(await signing.transfer.take(page.key, id));
      else await making.addRows(page.table, page.rows);
    }
    const counts = read.total();
    // A crash from here on leaves events of a vault that did not come; never a vault without them.
    await operator.note({ operation: 'vault.create', vault, attributes: {} });
    const attributes = { sealId, policy: header.policy.hash, rows: counts };
    await operator.note({ operation: 'vault.restore', vault, attributes });
    return counts;
  }).catch((error: unknown) => {
    throw isRowFault(error) ? refuse('The file has a row that does not fit the database.') : error;
  });
  if (rows === undefined) throw refuse(`There is a vault ${vault} already: nothing was changed.`);
  return { vault, exportedAt, rows };
}

/** Nothing says who wrote a file: what it says of itself must hold together, at least. */
async function checkHeader({ vault, policy, schemaVersion }: ExportHeader): Promise<void> {
  const { length: ours } = await readMigrations(MIGRATIONS);
  if (schemaVersion !== ours) {
    throw refuse(
      `The file is of another release (schema ${schemaVersion}, here ${ours}): bring both installations to one release, and export again.`,
    );
  }
  if (readPolicy(policy.document).policy.vault !== vault) {
    throw refuse('The file has the policy of another vault.');
  }
  if (sha256(policy.document).toString('hex') !== policy.hash) {
    throw refuse('The file has another policy than it says.');
  }
}

/** Fields and policy, signed by the keys of this installation. */
async function addAuthorityRows(
  making: VaultInMaking,
  { vaultId, header, authority }: { vaultId: number; header: ExportHeader; authority: Authority },
): Promise<void> {
  for (const field of header.fields) {
    await making.addField({ ...field, mac: macOfField(authority, { vaultId, ...field }) });
  }
  const { document } = header.policy;
  const policy = { version: FIRST_VERSION, hash: sha256(document) };
  const mac = macOfPolicy(authority, { vaultId, ...policy });
  await making.addPolicy({ ...policy, document, mac });
}

/** Keys one by one, rows of one table in pages. */
async function* pagesOf(
  parts: AsyncIterable<ExportPart>,
): AsyncGenerator<{ key: Buffer } | { table: DumpTable; rows: object[] }, void, void> {
  let page: { table: DumpTable; rows: object[] } | undefined;
  for await (const part of parts) {
    const isFull = page !== undefined && page.rows.length >= PAGE_ROWS;
    const fits = !isFull && 'row' in part && part.table === page?.table;
    if (page !== undefined && !fits) {
      yield page;
      page = undefined;
    }
    if ('key' in part) {
      yield part;
    } else if (page === undefined) {
      page = { table: part.table, rows: [part.row] };
    } else {
      page.rows.push(part.row);
    }
  }
  if (page !== undefined) yield page;
}

function refuse(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
