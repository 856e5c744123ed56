/** A row behind a writer's last integrated number, and whether its MAC and contents are right. */
export type JudgedRow = { firstSeq: number; count: number; intact: boolean };

/** Numbers `from` to `to`, both inclusive, are not in the log. */
export type Gap = { from: number; to: number; why: 'missing' | 'altered' };

/**
 * What has to be said about a writer that cannot go on, before it can (AUDIT-LOG §4.5).
 *
 * Only an intact row behind them proves that a writer used the numbers in between: rows that fail their
 * MAC may say anything, and whoever can insert one must not make a living writer's numbers pass for lost.
 * So nothing is said until there is one, or until the writer is given up.
 *
 * - No row at the next number: `missing` up to the next row, once `isPatienceOver` says so; until then its
 *   writer may bring it again.
 * - A row that is not intact at the next number: `altered` for the numbers that it claims, cut where the
 *   next row begins. Its count may be what was altered: when it claims too few, the rest is a hole of its
 *   own; when it claims too many, no genuine row that is there is lost by it.
 *
 * @param input.rows in order of `firstSeq`
 * @param input.isGivenUp the writer is gone: every row counts as a bound
 * @param input.isPatienceOver whether the hole that begins at this number was there long enough
 * @param input.max how many gaps at most
 * @returns the gaps in order, and the first number behind them
 */
export function findGaps(input: {
  nextSeq: number;
  rows: readonly JudgedRow[];
  isGivenUp: boolean;
  isPatienceOver: (nextSeq: number) => boolean;
  max: number;
}): { gaps: Gap[]; nextSeq: number } {
  const { isGivenUp, isPatienceOver, max } = input;
  const gaps: Gap[] = [];
  let { nextSeq } = input;
  while (gaps.length < max) {
    const ahead = input.rows.filter(({ firstSeq }) => firstSeq >= nextSeq);
    const gap = isGivenUp || ahead.some(({ intact }) => intact) ? gapAt(nextSeq, ahead) : undefined;
    if (gap === undefined) {
      break;
    }
    if (gap.why === 'missing' && !isGivenUp && !isPatienceOver(nextSeq)) {
      break;
    }
    gaps.push(gap);
    nextSeq = gap.to + 1;
  }
  return { gaps, nextSeq };
}

/** The gap at exactly this number; none when an intact row begins there, or nothing follows. */
function gapAt(nextSeq: number, ahead: readonly JudgedRow[]): Gap | undefined {
  const [head] = ahead;
  if (head === undefined) {
    return undefined;
  }
  if (head.firstSeq > nextSeq) {
    return { from: nextSeq, to: head.firstSeq - 1, why: 'missing' };
  }
  // More than one row of this number can lie on different days.
  const here = ahead.filter(({ firstSeq }) => firstSeq === nextSeq);
  if (here.some(({ intact }) => intact)) {
    return undefined;
  }
  const claimed = nextSeq + Math.max(1, ...here.map(({ count }) => count)) - 1;
  const following = ahead.find(({ firstSeq }) => firstSeq > nextSeq);
  const to = Math.min(claimed, (following?.firstSeq ?? Number.POSITIVE_INFINITY) - 1);
  return { from: nextSeq, to, why: 'altered' };
}
