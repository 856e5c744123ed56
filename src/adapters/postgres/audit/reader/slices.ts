import type { SealedDisclosure } from '../../../../crypto/open-disclosure.ts';
import type { StoredEvent } from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import { decodeLeaves, decodeSealed } from '../framing.ts';
import { checkLeaves } from './leaf-hashes.ts';
import { damaged } from './rows.ts';

/** Neighbours in one segment, which is named by its first index: places `from` (inclusive) to `to`. */
export type Run = { segment: number; from: number; to: number };

/** Where a run lies in one of the three columns. */
type Cut = { skip: number; bytes: number };
type Cuts = { leaves: Cut; who: Cut; what: Cut };

type BoundsRow = {
  n: number;
  start: Buffer;
  stop: Buffer;
  leaves_bytes: number;
  who_bytes: number;
  what_bytes: number;
};

const OFFSETS_BYTES = 12;

// All columns cut here are stored EXTERNAL: a substring reads its own pages only, a length none.
const BOUNDS = `
select s.n, octet_length(s.leaves) as leaves_bytes, octet_length(s.who) as who_bytes,
  octet_length(s.what) as what_bytes,
  substring(s.offsets from 12 * run.start + 1 for 12) as start,
  substring(s.offsets from 12 * run.stop + 1 for 12) as stop
from unnest($2::bigint[], $3::int[], $4::int[]) with ordinality as run (segment, start, stop, ord)
join audit_segment s on s.log_id = $1 and s.first_index = run.segment
order by run.ord`;

const LEAVES = `
select substring(s.leaves from run.skip + 1 for run.bytes) as leaves
from unnest($2::bigint[], $3::int[], $4::int[]) with ordinality as run (segment, skip, bytes, ord)
join audit_segment s on s.log_id = $1 and s.first_index = run.segment
order by run.ord`;

const EVENTS = `
select substring(s.leaves from run.skip + 1 for run.bytes) as leaves,
  substring(s.who from run.who_skip + 1 for run.who_bytes) as who,
  substring(s.what from run.what_skip + 1 for run.what_bytes) as what
from unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
  with ordinality as run (segment, skip, bytes, who_skip, who_bytes, what_skip, what_bytes, ord)
join audit_segment s on s.log_id = $1 and s.first_index = run.segment
order by run.ord`;

/**
 * The leaves of each run, checked against the tree. Rejects with `internal` when a segment is lost, torn
 * or altered.
 */
export async function readLeaves(
  session: Session,
  logId: number,
  runs: readonly Run[],
): Promise<Buffer[][]> {
  const cuts = await locate(session, logId, runs);
  const rows = await session.rows<{ leaves: Buffer }>({
    name: 'audit-leaves',
    text: LEAVES,
    values: [logId, runs.map(({ segment }) => segment), ...columns(cuts, 'leaves')],
  });
  const leaves = runs.map(({ from, to }, place) =>
    decodeLeaves(cell(rows, place).leaves, to - from),
  );
  await checkLeaves(session, logId, rangesOf(runs, leaves));
  return leaves;
}

/** The events of the runs, in order, with their disclosures; otherwise as `readLeaves`. */
export async function readEvents(
  session: Session,
  logId: number,
  runs: readonly Run[],
): Promise<StoredEvent[]> {
  if (runs.length === 0) {
    return [];
  }
  const cuts = await locate(session, logId, runs);
  const rows = await session.rows<{ leaves: Buffer; who: Buffer; what: Buffer }>({
    name: 'audit-events',
    text: EVENTS,
    values: [
      logId,
      runs.map(({ segment }) => segment),
      ...columns(cuts, 'leaves'),
      ...columns(cuts, 'who'),
      ...columns(cuts, 'what'),
    ],
  });
  const decoded = runs.map(({ from, to }, place) => {
    const row = cell(rows, place);
    return {
      leaves: decodeLeaves(row.leaves, to - from),
      who: decodeSealed(row.who, to - from),
      what: decodeSealed(row.what, to - from),
    };
  });
  await checkLeaves(
    session,
    logId,
    rangesOf(
      runs,
      decoded.map(({ leaves }) => leaves),
    ),
  );
  return runs.flatMap(({ segment, from }, place) => {
    const { leaves, who, what } = cell(decoded, place);
    return leaves.map((leaf, nth) => ({
      logId,
      index: segment + from + nth,
      leaf,
      who: cell<SealedDisclosure>(who, nth),
      what: cell<SealedDisclosure>(what, nth),
    }));
  });
}

async function locate(session: Session, logId: number, runs: readonly Run[]): Promise<Cuts[]> {
  const rows = await session.rows<BoundsRow>({
    name: 'audit-bounds',
    text: BOUNDS,
    values: [
      logId,
      runs.map(({ segment }) => segment),
      runs.map(({ from }) => from),
      runs.map(({ to }) => to),
    ],
  });
  return runs.map((run, place) => cutsOf(run, cell(rows, place)));
}

/** A run that reaches the end of its segment ends where the columns do. */
function cutsOf({ to }: Run, row: BoundsRow): Cuts {
  const isLast = to === row.n;
  if (row.start.length !== OFFSETS_BYTES || row.stop.length !== (isLast ? 0 : OFFSETS_BYTES)) {
    throw damaged('the offsets of a segment are torn');
  }
  const cut = (column: number, end: number): Cut => {
    const skip = row.start.readUInt32BE(4 * column);
    const bytes = (isLast ? end : row.stop.readUInt32BE(4 * column)) - skip;
    if (skip > end || bytes < 0 || skip + bytes > end) {
      throw damaged('the offsets of a segment lead astray');
    }
    return { skip, bytes };
  };
  return {
    leaves: cut(0, row.leaves_bytes),
    who: cut(1, row.who_bytes),
    what: cut(2, row.what_bytes),
  };
}

const columns = (cuts: readonly Cuts[], name: keyof Cuts) => [
  cuts.map((cut) => cut[name].skip),
  cuts.map((cut) => cut[name].bytes),
];

const rangesOf = (runs: readonly Run[], leaves: readonly Buffer[][]) =>
  runs.map(({ segment, from }, place) => ({
    firstIndex: segment + from,
    leaves: cell(leaves, place),
  }));

/** The rows come in the order of the runs, one each: a missing one is a missing segment. */
function cell<T>(list: readonly T[], place: number): T {
  const item = list[place];
  if (item === undefined) {
    throw damaged('a segment of the log is lost');
  }
  return item;
}
