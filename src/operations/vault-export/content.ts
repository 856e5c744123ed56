import type { AgeEncryption } from '../../crypto/age.ts';
import type { KeyTransfer } from '../../crypto/key-transfer.ts';
import { makeRunningDigest } from '../../crypto/running-digest.ts';
import type { DumpTable, VaultDump, VaultSnapshot } from '../ports/vault-dump.ts';
import type { Vault } from '../ports/vault-registry.ts';
import {
  EXPORT_FORMAT,
  type ExportCounts,
  type ExportEnd,
  type ExportHeader,
  noCounts,
} from './format.ts';
import { piped, type Write } from './piped.ts';

const NEWLINE = 0x0a;

/** What exports need. `encrypt` is for the recipients that the operator chose. */
export type Exporting = { dump: VaultDump; keys: KeyTransfer; encrypt: AgeEncryption };

/** How an export ended, for its event. */
export type ExportTotal = { counts: ExportCounts; sha256: string };

/**
 * The lines of an export, unencrypted: they hold keys. One state of the vault, in constant memory; rows as
 * they are, nothing of them is opened. The last line is written when `complete` has resolved: so no export
 * looks whole that the log does not tell the extent of.
 */
export function exportLines(
  { dump, keys }: Omit<Exporting, 'encrypt'>,
  vault: Vault,
  about: { nowMs: number; complete: (total: ExportTotal) => Promise<void> },
): AsyncIterable<Uint8Array> {
  return piped(async (write) => {
    const policyHash = Buffer.from(hashOf(vault), 'hex');
    await dump.read({ vaultId: vault.id, policyHash }, async (snapshot) => {
      const header = headerOf(vault, snapshot, about.nowMs);
      const keyLines = await keys.give(vault.id);
      try {
        const total = await writeLines(write, { header, snapshot, keyLines });
        await about.complete(total);
        await write(lineOf({ end: true, ...total } satisfies ExportEnd));
      } finally {
        // Not earlier: that a chunk was taken in is known when the one behind it is.
        keyLines.fill(0);
      }
    });
  });
}

async function writeLines(
  write: Write,
  content: { header: ExportHeader; snapshot: VaultSnapshot; keyLines: Buffer },
): Promise<ExportTotal> {
  const digest = makeRunningDigest();
  const counts = noCounts();
  const add = async (lines: Buffer) => {
    digest.add(lines);
    await write(lines);
  };
  await add(lineOf(content.header));
  counts.key = content.keyLines.filter((byte) => byte === NEWLINE).length;
  await add(content.keyLines);
  for await (const { table, rows } of content.snapshot.pages) {
    counts[table] += rows.length;
    await add(rowLines(table, rows));
  }
  return { counts, sha256: digest.hex() };
}

/** Policy and fields from memory, where they were checked when the vault was opened: the database is not believed. */
function headerOf(vault: Vault, snapshot: VaultSnapshot, nowMs: number): ExportHeader {
  const { sealId, schemaVersion, document } = snapshot;
  return {
    format: EXPORT_FORMAT,
    vault: vault.name,
    sealId,
    schemaVersion,
    policy: { document, hash: hashOf(vault) },
    fields: [...vault.fieldNames].map(([id, name]) => ({ id, name })),
    exportedAt: new Date(nowMs).toISOString(),
  };
}

/** Of the document of the policy in force, in hex. */
function hashOf({ policyRef }: Vault): string {
  return policyRef.slice(policyRef.indexOf(':') + 1);
}

/** Rows are JSON already, of one line each: JSON has no line breaks in texts, and Postgres adds none. */
function rowLines(table: DumpTable, rows: readonly string[]): Buffer {
  return Buffer.from(rows.map((row) => `{"${table}":${row}}\n`).join(''));
}

function lineOf(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
