import type { AuditReader } from '../../operations/ports/audit-reader.ts';
import { makeProver } from '../../tlog/prover.ts';
import { type Findings, makeFindings } from '../../verify/findings.ts';
import type { Report } from '../../verify/report.ts';
import { unlessDamaged } from './fsck-source.ts';

/** A shard that was verified. */
export type VerifiedShard = { logId: number; report: Report };

/** `log.open` names so many writers at most: one that is not among them may have been left out. */
const MAX_NAMED_WRITERS = 1_000;

/**
 * Checks that each shard goes on where the one before ended: `log.open` cites its size and root, and the
 * numbers of its writers. Adds what it finds to the reports.
 */
export async function checkChain(
  reader: Pick<AuditReader, 'tile'>,
  shards: readonly VerifiedShard[],
): Promise<void> {
  for (const shard of shards) {
    const { report } = shard;
    if (report.opening === undefined) continue;
    const findings = makeFindings();
    await checkOpening(reader, { shard, shards, findings });
    report.checked.push({ check: 'chain', count: 1, of: 'log.open against the shard before' });
    report.findings = [...report.findings, ...findings.list()];
  }
}

async function checkOpening(
  reader: Pick<AuditReader, 'tile'>,
  input: { shard: VerifiedShard; shards: readonly VerifiedShard[]; findings: Findings },
): Promise<void> {
  const { shard, shards, findings } = input;
  const cited = shard.report.opening?.previous;
  if (cited === undefined) {
    const isFirst = shards.every(({ logId }) => logId >= shard.logId);
    if (!isFirst) findings.add('chain_broken', `shard ${shard.report.log?.shard} cites none`);
    return;
  }
  const previous = shards.find(({ report }) => report.log?.origin === cited.origin);
  if (previous === undefined) {
    findings.add('chain_lost', cited.origin);
    return;
  }
  await checkCitation(reader, { cited, previous, findings });
  if (previous.report.log?.state === 'frozen') {
    checkWriters(previous.report, shard.report, findings);
  }
}

async function checkCitation(
  reader: Pick<AuditReader, 'tile'>,
  {
    cited,
    previous,
    findings,
  }: {
    cited: { origin: string; size: number; root: string };
    previous: VerifiedShard;
    findings: Findings;
  },
): Promise<void> {
  const { logId, report } = previous;
  if ((report.log?.size ?? 0) < cited.size) {
    findings.add('chain_lost', `${cited.origin} had ${cited.size} entries`);
    return;
  }
  const prover = makeProver({
    size: cited.size,
    readTile: async (tile) => (await reader.tile(logId, tile)) ?? Buffer.alloc(0),
  });
  const root = await unlessDamaged(findings, `tiles of ${cited.origin}`, () => prover.root());
  if (root !== undefined && root.toString('base64') !== cited.root) {
    findings.add('chain_broken', `${cited.origin} had another root at ${cited.size}`);
  }
}

function checkWriters(previous: Report, { opening }: Report, findings: Findings): void {
  const named = opening?.writers ?? {};
  const isWhole = Object.keys(named).length < MAX_NAMED_WRITERS;
  for (const { boot, next } of previous.writers?.open ?? []) {
    if (boot in named ? named[boot] !== next : isWhole) {
      findings.add('chain_broken', `writer ${boot} stood at ${next}`);
    }
  }
}
