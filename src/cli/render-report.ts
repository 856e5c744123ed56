import { CHECKS, type CheckName, type Finding, type Severity } from '../verify/findings.ts';
import { isClean, type Report } from '../verify/report.ts';
import type { VerifiedReceipt } from '../verify/verify-receipt.ts';
import { printable } from './printable.ts';

const SHOUT = { failed: 'FAILED', alarm: 'ALARM', notice: 'notice' } as const satisfies Record<
  Severity,
  string
>;
const SEVERITIES = ['failed', 'alarm', 'notice'] as const;
const MAX_EXPLAINED = 10;
const COLUMN = 14;

/**
 * A report for people: a line per check, then each finding with its first places, what was erased, and
 * what the whole means. Parts of a log are its writer's choice: they come out as printable ASCII.
 */
export function renderReport(report: Report): string {
  const lines = [
    ...renderHead(report),
    '',
    ...CHECKS.flatMap((check) => renderCheck(check, report)),
    ...section(report.findings.map(renderFinding)),
    ...section(renderExplained(report)),
    ...section(renderState(report)),
    '',
    verdict(report),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** A receipt for people: where the event stands, who vouches for it, and what it says. */
export function renderReceipt({
  origin,
  size,
  index,
  leaf,
  disclosures,
  cosignatures,
}: VerifiedReceipt): string {
  const lines = [
    `ok  entry ${index} of ${origin} (tree of ${group(size)})`,
    `ok  signed by the log${cosignatures.map(({ witness }) => `, cosigned by ${witness}`).join('')}`,
    ...(cosignatures.length === 0 ? [`--  ${NO_WITNESS}`] : []),
    '',
    `event  ${leaf.id}  ${timeOf(leaf.t)}`,
    `leaf   ${JSON.stringify({ op: leaf.op, out: leaf.out, rc: leaf.rc, rsn: leaf.rsn, vlt: leaf.vlt, n: leaf.n })}`,
    ...disclosures.map(({ label, value }) => `${label.padEnd(7)}${JSON.stringify(value)}`),
    ...(disclosures.length < leaf._sd.length
      ? [`${leaf._sd.length - disclosures.length} disclosures are not in this receipt`]
      : []),
    '',
    'The event is in the log, word for word.',
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

const NO_WITNESS = 'no witness: whoever holds the key of the log could show others another log';

function renderHead({ log }: Report): string[] {
  if (log === undefined) {
    return ['No checkpoint could be believed, so nothing else was looked at.'];
  }
  const { origin, size, root, state, cosignatures } = log;
  const witnesses = cosignatures.map(
    ({ witness, timeSeconds }) => `  cosigned by ${witness} at ${timeOf(timeSeconds * 1_000)}`,
  );
  return [`${origin}  ${group(size)} entries, ${state}`, `  root ${root}`, ...witnesses];
}

function renderCheck(check: CheckName, report: Report): string[] {
  const found = report.findings.filter((finding) => finding.check === check);
  const worst = SEVERITIES.find((severity) => found.some((each) => each.severity === severity));
  const done = report.checked.filter((each) => each.check === check);
  const left = report.unchecked.filter((each) => each.check === check);
  if (done.length + left.length + found.length === 0) {
    return [];
  }
  const status = worst === undefined ? 'ok' : SHOUT[worst];
  const counted = done.map(({ count, of }) => `${group(count)} ${of}`).join(', ');
  return [
    ...(done.length + found.length > 0
      ? [`  ${status.padEnd(6)}  ${check.padEnd(COLUMN)}${counted}`.trimEnd()]
      : []),
    ...left.map(({ why }) => `  --      ${check.padEnd(COLUMN)}not checked: ${why}`),
  ];
}

function renderFinding({ severity, kind, text, count, at }: Finding): string {
  const more = count > at.length ? ', ...' : '';
  return `${SHOUT[severity]}  ${kind} (${group(count)}): ${text}: ${at.join('; ')}${more}`;
}

function renderExplained({ explained }: Report): string[] {
  const lines = explained.slice(0, MAX_EXPLAINED).map(({ why, label, entries, by }) => {
    const what = label === undefined ? '' : ` of ${label}`;
    const unit = why === 'pruned' ? 'entries' : `disclosures${what}`;
    return `${why}: ${group(entries)} ${unit}, by ${by}`;
  });
  const rest = explained.length - lines.length;
  return rest > 0 ? [...lines, `and ${rest} more, all explained by leaves of the log`] : lines;
}

function renderState({ writers, opening }: Report): string[] {
  const open = writers?.open ?? [];
  const shown = open.slice(0, MAX_EXPLAINED).map(({ boot, next }) => `${boot} at ${next}`);
  const more = open.length > shown.length ? [`and ${open.length - shown.length} more`] : [];
  const previous = opening?.previous;
  return [
    ...(writers === undefined
      ? []
      : [
          `writers: ${writers.ended} ended, ${open.length} open ${open.length > 0 ? `(${[...shown, ...more].join(', ')})` : ''}`.trimEnd(),
        ]),
    ...(previous === undefined
      ? []
      : [`follows ${previous.origin} of ${group(previous.size)} entries, root ${previous.root}`]),
  ];
}

function verdict(report: Report): string {
  if (isClean(report)) {
    return 'The log is whole: everything that was checked holds.';
  }
  const { findings } = report;
  return findings.some(({ severity }) => severity === 'failed')
    ? 'The log is NOT what it must be.'
    : 'The log is what was signed, and it says itself that events are MISSING.';
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

/** 12345 → `12,345`. */
function group(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** ISO 8601; what no calendar holds is shown as it is. */
function timeOf(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : `${atMs} ms`;
}
