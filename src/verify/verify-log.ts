import { openByPolicy, type TrustedCheckpoint } from '../tlog/open-by-policy.ts';
import type { Policy } from '../tlog/policy.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { checkSince } from './check-since.ts';
import { type Findings, makeFindings } from './findings.ts';
import type { VerifyOptions } from './options.ts';
import type { Report } from './report.ts';
import type { LogSource, Statement } from './source.ts';
import { verifyContent } from './verify-content.ts';

/**
 * Verifies one shard of the log: everything that somebody who has the entries, and a key that he got
 * elsewhere, can find out without asking anybody (AUDIT-LOG §4.7). What is wrong is in the report; the promise
 * rejects only with what the source rejects with. Memory: one bundle, some words per writer, 12 to 23 bytes
 * per event id, and the lists of what was erased.
 */
export async function verifyLog(source: LogSource, options: VerifyOptions): Promise<Report> {
  const findings = makeFindings();
  const trusted = await openNewest(source, options.policy, findings);
  if (trusted === undefined) {
    return { checked: [], unchecked: [], findings: findings.list(), explained: [] };
  }
  const { checkpoint, cosignatures } = trusted;
  const { origin, size, root } = checkpoint;
  const shard = origin.split('/').at(-1) ?? '';
  const report: Report = {
    log: { origin, shard, size, root: root.toString('base64'), state: 'active', cosignatures },
    checked: [{ check: 'checkpoint', count: 1, of: "signature of the log's key" }],
    unchecked: [],
    findings: [],
    explained: [],
  };
  noteWitnesses(report, options.policy);
  if (options.since === undefined) {
    const why = 'no older checkpoint was given: whether the past was changed is not known';
    report.unchecked.push({ check: 'consistency', why });
  } else {
    const { since, policy } = options;
    await checkSince({ source, since, checkpoint, policy }, findings);
    report.checked.push({ check: 'consistency', count: 1, of: 'older checkpoint' });
  }
  const minIndex = await verifyContent({ source, shard, checkpoint, options, findings, report });
  await checkStatement(source, { origin, shard, size, minIndex }, findings);
  return { ...report, findings: findings.list() };
}

/** Opens the newest checkpoint; without its quorum it is a finding, and the log is checked all the same. */
async function openNewest(
  source: LogSource,
  policy: Policy,
  findings: Findings,
): Promise<TrustedCheckpoint | undefined> {
  const note = await source.checkpoint();
  if (note === undefined) {
    findings.add('checkpoint_missing', 'checkpoint');
    return;
  }
  try {
    return openByPolicy(note, policy);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    if (error.code === 'quorum_not_met') {
      findings.add('quorum_not_met', `quorum ${policy.quorum}`);
      return openByPolicy(note, { ...policy, quorum: undefined });
    }
    findings.add('checkpoint_refused', error.code);
    return;
  }
}

function noteWitnesses({ log, checked, unchecked }: Report, { quorum }: Policy): void {
  if (quorum === undefined) {
    const why =
      'the policy asks for no witness: nothing here protects against whoever holds the key of the log';
    unchecked.push({ check: 'witnesses', why });
  } else {
    checked.push({ check: 'witnesses', count: log?.cosignatures.length ?? 0, of: 'cosignatures' });
  }
}

async function checkStatement(
  source: LogSource,
  expected: Statement,
  findings: Findings,
): Promise<void> {
  const stated = await source.statement?.();
  if (stated === undefined) {
    return;
  }
  for (const member of ['origin', 'shard', 'size'] as const) {
    if (stated[member] !== expected[member]) findings.add('statement_wrong', member);
  }
  // Less may be gone than might be.
  if (!(stated.minIndex <= expected.minIndex)) findings.add('statement_wrong', 'minIndex');
}
