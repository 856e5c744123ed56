import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { makeDisclosureCheck } from './check-disclosures.ts';
import { makeOpeningCheck } from './check-opening.ts';
import { makeWriterCheck } from './check-writers.ts';
import { makeExplanations, takeReceipts } from './explanations.ts';
import type { Findings } from './findings.ts';
import { makeIdSet } from './id-set.ts';
import type { VerifyOptions } from './options.ts';
import { readEntry } from './read-entry.ts';
import type { Report } from './report.ts';
import type { LogSource } from './source.ts';
import { type Block, walkTree } from './walk-tree.ts';

type Input = {
  source: LogSource;
  shard: string;
  checkpoint: ParsedCheckpoint;
  options: VerifyOptions;
  findings: Findings;
  /** Completed here. */
  report: Report;
};

/**
 * Walks the tree once, and lets every check see every leaf in order. Resolves to the index below which
 * entries may be gone.
 */
export async function verifyContent(input: Input): Promise<number> {
  const { source, checkpoint, findings, options } = input;
  const { size, root } = checkpoint;
  const checks = await makeChecks(input);
  const tally = { hashed: 0, tiles: 0, complete: false };
  const missing = makeMissing(findings);
  const ids = makeIdSet();
  let read = 0;

  const takeEntry = async (index: number, bytes: Buffer) => {
    const { leaf, isCanonical } = readEntry(bytes);
    if (leaf === undefined) {
      findings.add('leaf_malformed', `entry ${index}`);
      return;
    }
    read += 1;
    if (!isCanonical) findings.add('leaf_not_canonical', `entry ${index}`);
    if (!ids.add(leaf.id)) findings.add('id_twice', `entry ${index}`);
    checks.opening.take(index, leaf);
    if (index === 0) checks.writers.open(checks.opening.opening()?.writers ?? {});
    checks.writers.take(index, leaf);
    checks.explanations.take(leaf, `leaf #${index}`, index);
    await checks.disclosures?.take(index, leaf);
    await options.onLeaf?.(index, leaf);
  };

  for await (const block of walkTree({ source, size, root, findings, tally })) {
    if (block.entries === undefined) {
      missing.take(block);
      checks.writers.skip();
      continue;
    }
    for (const [place, bytes] of block.entries.entries()) {
      await takeEntry(block.first + place, bytes);
    }
  }
  await finish(input, { checks, tally, missing, read });
  return checks.explanations.pruned().minIndex;
}

async function makeChecks({ source, shard, checkpoint, options, findings }: Input) {
  const explanations = makeExplanations(shard);
  const lists = (await source.erasures?.()) ?? [];
  takeReceipts(explanations, lists, options.policy);
  const disclosures = source.disclosures?.();
  return {
    explanations,
    opening: makeOpeningCheck(checkpoint, findings),
    writers: makeWriterCheck(findings),
    disclosures: disclosures && makeDisclosureCheck({ disclosures, lists }, findings),
  };
}

/** Bundles that are not there: a prefix may be pruned, anything else is missing. */
function makeMissing(findings: Findings) {
  let prunedTo = 0;
  return {
    take({ first, width }: Block) {
      if (first === prunedTo) prunedTo = first + width;
      else findings.add('bundle_missing', `entries ${first} to ${first + width - 1}`);
    },
    prunedTo: () => prunedTo,
  };
}

type Results = {
  checks: Awaited<ReturnType<typeof makeChecks>>;
  tally: { hashed: number; tiles: number; complete: boolean };
  missing: ReturnType<typeof makeMissing>;
  read: number;
};

async function finish(input: Input, { checks, tally, missing, read }: Results): Promise<void> {
  const { checkpoint, report } = input;
  const { checked, unchecked } = report;
  const prunedTo = missing.prunedTo();
  checked.push({ check: 'tiles', count: tally.tiles, of: 'hash tiles' });
  checked.push({ check: 'entries', count: tally.hashed, of: 'entries against their hashes' });
  if (tally.complete) checked.push({ check: 'root', count: checkpoint.size, of: 'leaf hashes' });
  else unchecked.push({ check: 'root', why: 'hashes are missing: the tree ends before the root' });
  for (const check of ['leaves', 'ids'] as const)
    checked.push({ check, count: read, of: 'leaves' });
  finishPruning(input, checks, prunedTo);
  report.writers = checks.writers.finish();
  for (const check of ['writers', 'times'] as const) {
    checked.push({ check, count: report.writers.seen, of: 'writers' });
  }
  await finishDisclosures(input, checks, prunedTo);
  const opening = checks.opening.opening();
  if (opening !== undefined) report.opening = opening;
  if (report.log !== undefined && checks.opening.isFrozen()) report.log.state = 'frozen';
  if (prunedTo > 0) {
    unchecked.push({ check: 'opening', why: 'the first entry is not there' });
  } else {
    checks.opening.finish();
    checked.push({ check: 'opening', count: 1, of: 'log.open' });
  }
}

function finishPruning(
  { checkpoint, report, findings }: Input,
  { explanations }: Results['checks'],
  prunedTo: number,
): void {
  if (prunedTo === 0) {
    return;
  }
  const { minIndex, by } = explanations.pruned();
  report.checked.push({ check: 'pruning', count: prunedTo, of: 'entries that are not there' });
  if (prunedTo > Math.min(minIndex, checkpoint.size)) {
    const from = Math.floor(minIndex / TILE_WIDTH) * TILE_WIDTH;
    findings.add('bundle_missing', `entries ${from} to ${prunedTo - 1}`);
  }
  if (minIndex > 0) {
    report.explained.push({ why: 'pruned', entries: Math.min(minIndex, prunedTo), by });
  }
}

async function finishDisclosures(
  { report }: Input,
  { disclosures, explanations }: Results['checks'],
  prunedTo: number,
): Promise<void> {
  if (disclosures === undefined) {
    const why = 'this source offers no disclosures: who and what of the events stay unknown';
    report.unchecked.push({ check: 'disclosures', why });
    return;
  }
  report.explained.push(...(await disclosures.finish(explanations, prunedTo)));
  report.checked.push({ check: 'disclosures', count: disclosures.vouched(), of: 'disclosures' });
  const lists = explanations.erasures.size;
  report.checked.push({ check: 'erasures', count: lists, of: 'audit.erase leaves' });
}
