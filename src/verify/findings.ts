/**
 * How bad a finding is. `failed`: the log is not what it must be. `alarm`: the log itself confesses that
 * events are missing. `notice`: odd, but no evidence is lost.
 */
export type Severity = 'failed' | 'alarm' | 'notice';

type Row = { check: CheckName; severity: Severity; text: string };

/** What is checked, in the order in which it is reported. */
export const CHECKS = [
  'checkpoint',
  'witnesses',
  'consistency',
  'root',
  'tiles',
  'entries',
  'leaves',
  'ids',
  'opening',
  'writers',
  'times',
  'disclosures',
  'erasures',
  'pruning',
  // What only the database can be asked.
  'store',
  'index',
  'chain',
] as const;

export type CheckName = (typeof CHECKS)[number];

/** Every way in which a log can be found wrong. */
export const FINDINGS = {
  checkpoint_missing: row('checkpoint', 'there is no checkpoint'),
  checkpoint_refused: row('checkpoint', 'the checkpoint is not one that the policy accepts'),
  quorum_not_met: row('witnesses', 'too few witnesses of the policy have cosigned the checkpoint'),
  statement_wrong: row('checkpoint', 'shard.json says something else than the checkpoint'),
  since_refused: row('consistency', 'the older checkpoint is not one that the policy accepts'),
  since_foreign: row('consistency', 'the older checkpoint is of another log'),
  log_shrank: row('consistency', 'the log is smaller than the older checkpoint says'),
  history_changed: row('consistency', 'the log does not extend the older checkpoint'),
  root_wrong: row('root', 'the tree does not lead to the root of the checkpoint'),
  tile_missing: row('tiles', 'a hash tile is missing'),
  tile_malformed: row('tiles', 'a hash tile has not the length that its width demands'),
  tile_wrong: row('tiles', 'a hash tile does not follow from the tiles below it'),
  bundle_malformed: row('entries', 'an entry bundle is not framed as its width demands'),
  entry_wrong: row('entries', 'an entry does not have the hash that stands in the tile'),
  leaf_malformed: row('leaves', 'an entry is not a leaf of version 1'),
  leaf_not_canonical: row('leaves', 'a leaf is not canonical JSON'),
  id_twice: row('ids', 'two entries have one event id'),
  open_missing: row('opening', 'the first entry is not log.open'),
  open_malformed: row('opening', 'log.open does not name this log, or is not readable'),
  open_twice: row('opening', 'log.open stands in the middle of the log'),
  opened_after_loss: row(
    'opening',
    'the shard before was lost in part or changed, as log.open tells: the database went backwards',
    'alarm',
  ),
  freeze_not_last: row('opening', 'log.freeze is not the last entry, or names another size'),
  author_wrong: row(
    'writers',
    'an entry is neither of a writer, with two disclosures, nor one that the log writes of itself',
  ),
  number_missing: row('writers', "a writer's numbers are missing, and no audit.gap names them"),
  number_twice: row('writers', "a writer's number stands in the log twice, or too late"),
  gap: row('writers', 'events are missing, as an audit.gap tells', 'alarm'),
  gap_wrong: row('writers', 'an audit.gap names numbers that are not missing'),
  end_wrong: row('writers', 'audit.writer.closed names another number than comes next'),
  after_stop: row('writers', 'a writer went on after its audit.writer.stop'),
  back_after_close: row('writers', 'a writer that was given up came back', 'notice'),
  start_missing: row('writers', 'number 0 of a writer is not audit.writer.start', 'notice'),
  time_back: row('times', "a writer's time goes backwards", 'notice'),
  disclosure_missing: row('disclosures', 'a disclosure is missing, and no leaf explains it'),
  disclosure_foreign: row('disclosures', 'a disclosure is not one that its leaf vouches for'),
  disclosure_misplaced: row('disclosures', 'disclosures of no entry, or not in order'),
  erasure_unproved: row(
    'erasures',
    'a list of erased entries is not what an audit.erase leaf says',
  ),
  erasure_unlisted: row('erasures', 'an audit.erase leaf has no list of erased entries'),
  erasure_undone: row('erasures', 'entries have disclosures although they were erased', 'notice'),
  bundle_missing: row('pruning', 'entries are missing, and no audit.prune leaf explains it'),
  store_damaged: row('store', 'what is stored is lost, torn or altered'),
  index_wrong: row('index', 'an event is not found by what it says'),
  chain_broken: row('chain', 'a shard does not go on where the one before it ended'),
  chain_lost: row('chain', 'the database went backwards, as log.open tells', 'alarm'),
} as const satisfies Record<string, Row>;

export type FindingKind = keyof typeof FINDINGS;

/** All findings of one kind. */
export type Finding = Row & {
  kind: FindingKind;
  count: number;
  /** The first places: entry, tile, writer. Parts of them come from the log, and are its writer's choice. */
  at: string[];
};

/** Findings kept by kind, with the first few places of each: a forged log may have millions. */
export type Findings = {
  add(kind: FindingKind, at: string, count?: number): void;
  /** In the order of `CHECKS`. */
  list(): Finding[];
};

const MAX_PLACES = 10;

/** Makes an empty collection. */
export function makeFindings(): Findings {
  const found = new Map<FindingKind, Finding>();
  return {
    add(kind, at, count = 1) {
      const finding = found.get(kind) ?? { kind, ...FINDINGS[kind], count: 0, at: [] };
      found.set(kind, finding);
      finding.count += count;
      if (finding.at.length < MAX_PLACES) {
        finding.at.push(at);
      }
    },
    list: () =>
      [...found.values()].sort((a, b) => CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check)),
  };
}

function row(check: CheckName, text: string, severity: Severity = 'failed'): Row {
  return { check, severity, text };
}
