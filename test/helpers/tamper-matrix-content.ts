// The tamper matrix of what the tree is made of, and of what lies beside it. `$segment` is the first index of
// the longest segment of the active shard.

import { says, type TableMatrix, unseen } from './tamper-cells.ts';
import { rollBack } from './tampered-log.ts';

const SEGMENT_ROW = 'log_id = 2 and first_index = $segment';
const NEXT_SEGMENT =
  '(select min(first_index) from audit_segment where log_id = 2 and first_index > $segment)';
const DAMAGED = says('fsck:store_damaged', 'fsck:bundle_missing');
const UNDISCLOSED = says('keyedFsck:disclosure_missing');

export const SEGMENT: TableMatrix = {
  table: 'audit_segment',
  row: SEGMENT_ROW,
  columns: {
    log_id: DAMAGED,
    first_index: DAMAGED,
    n: DAMAGED,
    first_ms: { ...says('fsck:index_wrong'), to: ['first_ms + 86400000'] },
    last_ms: { ...says('fsck:index_wrong'), to: ['last_ms - 86400000'] },
    reached_ms: {
      ...unseen('hides events from searches in time only when no segment before it reached as far'),
      perhaps: ['fsck:index_wrong'],
      to: ['reached_ms - 86400000'],
    },
    facets: unseen('no search reads it: the service looks there for its own keys, and for the end'),
    leaves: DAMAGED,
    who: UNDISCLOSED,
    what: UNDISCLOSED,
    offsets: says('reader:internal'),
  },
  rows: {
    deleted: {
      sql: [`delete from audit_segment where ${SEGMENT_ROW}`],
      ...says(...DAMAGED.said, 'auditor:internal'),
    },
    forged: {
      sql: [
        `insert into audit_segment select log_id, first_index + 1, n - 1, first_ms, last_ms,
          reached_ms, facets, leaves, who, what, offsets from audit_segment where ${SEGMENT_ROW}`,
      ],
      ...says('fsck:store_damaged'),
    },
    doubled: {
      sql: [
        `insert into audit_segment select log_id, (select size from audit_log where log_id = 2), n,
          first_ms, last_ms, reached_ms, facets, leaves, who, what, offsets
         from audit_segment where ${SEGMENT_ROW}`,
      ],
      ...says('sequencer:cycle_failed'),
    },
    swapped: {
      sql: [
        `update audit_segment as a set n = b.n, leaves = b.leaves, who = b.who, what = b.what,
          offsets = b.offsets from audit_segment as b
         where a.log_id = 2 and b.log_id = 2 and a.first_index <> b.first_index
           and a.first_index in ($segment, ${NEXT_SEGMENT}) and b.first_index in ($segment, ${NEXT_SEGMENT})`,
      ],
      ...says('fsck:store_damaged'),
    },
    truncated: {
      sql: [`delete from audit_segment where log_id = 2 and first_index >= $segment`],
      ...DAMAGED,
    },
    'rolled back': { sql: rollBack('audit_segment'), ...DAMAGED },
  },
  more: {
    'no segment so far reached the time that it did': {
      sql: [
        `update audit_segment set reached_ms = reached_ms - 86400000
         where log_id = 2 and first_index <= $segment`,
      ],
      ...says('fsck:index_wrong'),
    },
    'who and what are exchanged': {
      sql: [`update audit_segment set who = what, what = who where ${SEGMENT_ROW}`],
      ...UNDISCLOSED,
    },
    'disclosures are erased without an event': {
      sql: [
        `update audit_segment set who = substring(who for 8)
          || decode(repeat('00', get_byte(who, 7) + 256 * get_byte(who, 6)), 'hex')
          || substring(who from 9 + get_byte(who, 7) + 256 * get_byte(who, 6)) where ${SEGMENT_ROW}`,
      ],
      ...UNDISCLOSED,
    },
  },
};

const TERM_ROW = 'log_id = 2 and segment = $segment and term = $term';
const LOST = says('fsck:index_wrong');

export const TERM: TableMatrix = {
  table: 'audit_term',
  row: TERM_ROW,
  columns: {
    term: LOST,
    log_id: LOST,
    segment: LOST,
    positions: {
      ...LOST,
      to: [`'{}'`, 'positions[1:256]', 'positions[257:512]'],
    },
  },
  rows: {
    deleted: { sql: [`delete from audit_term where ${TERM_ROW}`], ...LOST },
    forged: {
      sql: [
        `insert into audit_term select term + 1, log_id, segment, positions from audit_term
         where ${TERM_ROW}`,
      ],
      ...unseen('leads to events that do not say so, and whoever asks checks what they say'),
    },
    doubled: {
      sql: [
        `insert into audit_term select term, log_id, 1 + segment, positions from audit_term
         where ${TERM_ROW} on conflict do nothing`,
      ],
      ...unseen('leads to places where there is no segment, or to events that do not say so'),
    },
    swapped: {
      sql: [
        `update audit_term as a set positions = b.positions from audit_term as b
         where a.log_id = 2 and b.log_id = 2 and a.segment = $segment and b.segment = $segment
           and a.term <> b.term and $term in (a.term, b.term)
           and (select term from audit_term where log_id = 2 and segment = $segment
             and cardinality(positions) = 1 limit 1) in (a.term, b.term)`,
      ],
      ...LOST,
    },
    truncated: { sql: [`delete from audit_term where segment >= $segment`], ...LOST },
    'rolled back': { sql: rollBack('audit_term'), ...LOST },
  },
};

const TILE_ROW =
  'log_id = 2 and level = 0 and n = (select max(n) from audit_tile where log_id = 2 and level = 0)';
const TILE_LOST = says('fsck:store_damaged', 'fsck:tile_missing');

export const TILE: TableMatrix = {
  table: 'audit_tile',
  row: TILE_ROW,
  columns: {
    log_id: TILE_LOST,
    level: { ...TILE_LOST, to: ['level + 1'] },
    n: { ...TILE_LOST, to: ['n + 1', 'n + 1000'] },
    hashes: says('fsck:store_damaged', 'fsck:root_wrong'),
  },
  rows: {
    deleted: {
      sql: [`delete from audit_tile where ${TILE_ROW}`],
      ...says(...TILE_LOST.said, 'auditor:internal'),
    },
    forged: {
      sql: [
        `insert into audit_tile select log_id, level, n + 1, hashes from audit_tile
         where ${TILE_ROW}`,
      ],
      ...says('fsck:store_damaged', 'fsck:root_wrong'),
    },
    doubled: {
      sql: [
        `update audit_tile set hashes = (select hashes from audit_tile where ${TILE_ROW})
         where log_id = 2 and level = 0 and n = 3`,
      ],
      ...says('fsck:store_damaged', 'fsck:root_wrong'),
    },
    swapped: {
      sql: [
        `update audit_tile as a set hashes = b.hashes from audit_tile as b
         where a.log_id = 2 and b.log_id = 2 and a.level = 0 and b.level = 0
           and a.n in (3, 4) and b.n in (3, 4) and a.n <> b.n`,
      ],
      ...says('fsck:store_damaged', 'fsck:root_wrong'),
    },
    truncated: { sql: ['delete from audit_tile where n >= 9'], ...TILE_LOST },
    'rolled back': { sql: rollBack('audit_tile'), ...TILE_LOST },
  },
};

const ERASURE_ROW = `log_id = 2 and label = 'who'`;
const UNEXPLAINED = says('keyedFsck:erasure_unlisted', 'keyedFsck:disclosure_missing');

export const ERASURE: TableMatrix = {
  table: 'audit_erasure',
  row: ERASURE_ROW,
  columns: {
    event_id: says('keyedFsck:erasure_unlisted', 'keyedFsck:erasure_unproved'),
    log_id: UNEXPLAINED,
    label: { ...says('keyedFsck:erasure_unproved'), to: [`'what'`] },
    indexes: says('keyedFsck:erasure_unproved'),
    erased_at: unseen('when it was done stands in the event that tells of it'),
  },
  rows: {
    deleted: { sql: [`delete from audit_erasure where ${ERASURE_ROW}`], ...UNEXPLAINED },
    forged: {
      sql: [
        `insert into audit_erasure (event_id, log_id, label, indexes)
         values (substring(sha256('forged') for 16), 2, 'who', '\\x0000000000000009')`,
      ],
      ...says('keyedFsck:erasure_unproved'),
    },
    doubled: {
      sql: [
        `insert into audit_erasure (event_id, log_id, label, indexes)
         select event_id, log_id, 'what', indexes from audit_erasure where ${ERASURE_ROW}`,
      ],
      ...says('keyedFsck:erasure_unproved'),
    },
    swapped: {
      sql: [
        `update audit_erasure as a set indexes = b.indexes from audit_erasure as b
         where a.log_id = 2 and b.log_id = 2 and a.label <> b.label`,
      ],
      ...says('keyedFsck:erasure_unproved', 'keyedFsck:disclosure_missing'),
    },
    truncated: { sql: ['delete from audit_erasure'], ...UNEXPLAINED },
    'rolled back': { sql: rollBack('audit_erasure'), ...UNEXPLAINED },
  },
};
