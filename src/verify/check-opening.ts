import type { Leaf } from '../domain/audit/read-leaf.ts';
import type { Findings } from './findings.ts';
import type { Opening } from './report.ts';

/**
 * The first leaf of a shard and the last one of a frozen shard (AUDIT-LOG §4.8): `log.open` says which keys
 * sign, which shard came before, and where its writers go on. When the database had lost what was signed of
 * the shard before, that is an alarm of its own: an `audit.gap` is told only where a writer lived to go on.
 */
export function makeOpeningCheck(
  { origin, size }: { origin: string; size: number },
  findings: Findings,
) {
  let opening: Opening | undefined;
  let began = false;
  let frozen = false;

  const takeFirst = (leaf: Leaf) => {
    if (leaf.op !== 'log.open' || leaf.w !== undefined) {
      findings.add('open_missing', 'entry 0');
      return;
    }
    opening = readOpening(leaf.attr ?? {}, origin);
    if (opening === undefined) findings.add('open_malformed', 'entry 0');
    if (leaf.attr?.['rollback'] !== undefined) findings.add('opened_after_loss', 'entry 0');
  };

  return {
    /** Each leaf, in order. */
    take(index: number, leaf: Leaf): void {
      began ||= index === 0;
      if (index === 0) takeFirst(leaf);
      else if (leaf.op === 'log.open') findings.add('open_twice', `entry ${index}`);
      if (leaf.op === 'log.freeze') {
        frozen = true;
        const isLast = index === size - 1 && leaf.attr?.['size'] === size;
        if (!isLast) findings.add('freeze_not_last', `entry ${index}`);
      }
    },
    /** When the first entry should have been there. */
    finish(): void {
      if (!began) findings.add('open_missing', 'entry 0');
    },
    opening: () => opening,
    isFrozen: () => frozen,
  };
}

function readOpening(attr: NonNullable<Leaf['attr']>, origin: string): Opening | undefined {
  const { vkeys, previous, writers } = attr;
  if (attr['origin'] !== origin || !isTexts(vkeys) || !isNumbers(writers ?? {})) {
    return;
  }
  const opening = { vkeys, writers: { ...(writers as Opening['writers'] | undefined) } };
  if (previous === undefined) {
    return opening;
  }
  return isPrevious(previous) ? { ...opening, previous } : undefined;
}

function isPrevious(value: unknown): value is NonNullable<Opening['previous']> {
  const { origin, size, root } = { ...(value as object) } as Record<string, unknown>;
  return typeof origin === 'string' && Number.isSafeInteger(size) && typeof root === 'string';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isNumbers(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => Number.isSafeInteger(item) && Number(item) >= 0)
  );
}
