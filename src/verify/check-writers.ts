import { LOG_OPERATIONS } from '../domain/audit/event.ts';
import type { Leaf } from '../domain/audit/read-leaf.ts';
import type { Findings } from './findings.ts';
import type { WriterSummary } from './report.ts';
import { takeMissing, takeNumber, type WriterState } from './writer-numbers.ts';

export type WriterCheck = {
  /** Where writers go on that `log.open` names. */
  open(writers: { readonly [boot: string]: number }): void;
  /** Each leaf, in order. */
  take(index: number, leaf: Leaf): void;
  /** The next entries cannot be read: from here on a writer may begin with any number. */
  skip(): void;
  finish(): WriterSummary;
};

const OWN: ReadonlySet<string> = new Set(LOG_OPERATIONS);
/** `who` and `what`: every event of a writer has both, whatever is in them. */
const DISCLOSURES = 2;

/** The state of a writer; made, with this next number, when it is not known yet. */
type FindWriter = (boot: string, next: number) => WriterState;

/**
 * Checks that no event of any writer is missing (AUDIT-LOG §4.5): each writer begins at 0, or where `log.open`
 * says; no number is missing that no `audit.gap` names; none is there twice. Keeps a few words per writer.
 */
export function makeWriterCheck(findings: Findings): WriterCheck {
  const writers = new Map<string, WriterState>();
  /** The clock of the leaves that the log writes of itself. */
  const log = { lastMs: 0 };
  let startsUnknown = false;

  const find: FindWriter = (boot, next) => {
    const known = writers.get(boot);
    if (known !== undefined) {
      return known;
    }
    // The first number of a writer whose beginning cannot be read is taken as it is.
    const made = { next: startsUnknown ? next : 0, lastMs: 0, end: undefined, holes: [] };
    writers.set(boot, made);
    return made;
  };

  return {
    open(declared) {
      for (const [boot, next] of Object.entries(declared)) find(boot, 0).next = next;
    },
    take(index, leaf) {
      if (!hasAuthor(leaf)) findings.add('author_wrong', `entry ${index}: ${leaf.op}`);
      const clock = leaf.w === undefined ? log : find(...leaf.w);
      if (leaf.t < clock.lastMs) findings.add('time_back', `entry ${index}`);
      clock.lastMs = leaf.t;
      const step = { index, leaf, find, findings };
      if (leaf.w !== undefined) takeNumbered(step, leaf.w);
      else if (leaf.op === 'audit.gap') takeGap(step);
      else if (leaf.op === 'audit.writer.closed') takeClosed(step);
    },
    skip: () => {
      startsUnknown = true;
    },
    finish: () => summarize(writers, findings),
  };
}

/**
 * Whoever can write to the database, but has no keys, can make leaves. What they cannot make are disclosures
 * that open, so a leaf that says it never had any is not a writer's.
 */
function hasAuthor({ w, op, _sd }: Leaf): boolean {
  return w === undefined
    ? OWN.has(op) && _sd.length === 0
    : !OWN.has(op) && _sd.length === DISCLOSURES;
}

type Step = { index: number; leaf: Leaf; find: FindWriter; findings: Findings };

function takeNumbered({ index, leaf, find, findings }: Step, [boot, seq]: NonNullable<Leaf['w']>) {
  const writer = find(boot, seq);
  const place = `entry ${index}: writer ${boot}, number ${seq}`;
  if (!takeNumber(writer, seq, index)) {
    findings.add('number_twice', place);
    return;
  }
  if (seq === 0 && leaf.op !== 'audit.writer.start') findings.add('start_missing', place);
  if (writer.end === 'stop') findings.add('after_stop', place);
  if (writer.end === 'closed') findings.add('back_after_close', place);
  writer.end = leaf.op === 'audit.writer.stop' ? 'stop' : undefined;
}

function takeGap({ index, leaf, find, findings }: Step): void {
  const { boot, from, to } = leaf.attr ?? {};
  if (typeof boot !== 'string' || !isCount(from) || !isCount(to) || from > to) {
    findings.add('gap_wrong', `entry ${index}`);
    return;
  }
  const place = `entry ${index}: writer ${boot}, numbers ${from} to ${to}`;
  if (takeMissing(find(boot, from), from, to)) findings.add('gap', place, to - from + 1);
  else findings.add('gap_wrong', place);
}

function takeClosed({ index, leaf, find, findings }: Step): void {
  const { boot, next } = leaf.attr ?? {};
  if (typeof boot !== 'string' || !isCount(next)) {
    findings.add('end_wrong', `entry ${index}`);
    return;
  }
  const writer = find(boot, next);
  if (writer.next !== next) findings.add('end_wrong', `entry ${index}: writer ${boot}`);
  writer.end = 'closed';
}

function summarize(writers: ReadonlyMap<string, WriterState>, findings: Findings): WriterSummary {
  for (const [boot, { holes }] of writers) {
    for (const { from, to, at } of holes) {
      const place = `entry ${at}: writer ${boot}, numbers ${from} to ${to}`;
      findings.add('number_missing', place, to - from + 1);
    }
  }
  const open = [...writers].filter(([, { end }]) => end === undefined);
  return {
    seen: writers.size,
    ended: writers.size - open.length,
    open: open.map(([boot, { next }]) => ({ boot, next })),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
