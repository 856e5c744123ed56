// The tamper matrix of shards and checkpoints. 2 is the active shard, 1 the frozen one before it.

import { says, type TableMatrix, unseen } from './tamper-cells.ts';
import { rollBack } from './tampered-log.ts';

const HEAD = says('sequencer:altered_head', 'publisher:audit_log_inconsistent');
const BACKWARDS = says('publisher:audit_log_went_backwards', 'publisher:audit_shard_replaced');
/** What the owner makes late, so that an alarm need not wait for it. */
const LATE = `update audit_pending set written_at = clock_timestamp() - interval '9 seconds'`;

export const LOG: TableMatrix = {
  table: 'audit_log',
  row: 'log_id = 2',
  columns: {
    log_id: {
      ...says('auditor:checkpoint_missing', 'fsck:checkpoint_missing'),
      to: ['log_id + 1'],
    },
    shard: { ...says('auditor:checkpoint_missing'), to: [`'1999'`] },
    origin: {
      ...says('auditor:statement_wrong', 'fsck:checkpoint_refused'),
      to: [`'log.test/x'`],
    },
    state: {
      ...says('publisher:frozen'),
      to: [`'frozen'`],
    },
    size: { ...HEAD, to: ['size + 1'] },
    root: HEAD,
    edge: HEAD,
    min_index: { ...says('auditor:statement_wrong'), to: ['min_index + 1', '256'] },
    created_at: unseen('nobody reads it: when a shard was opened stands in its first leaf'),
  },
  rows: {
    deleted: {
      sql: ['delete from audit_log where log_id = 2', LATE],
      ...says('sequencer:pending_late', 'auditor:checkpoint_missing'),
    },
    forged: {
      sql: [
        `insert into audit_log (log_id, shard, origin, state, size, root, edge)
         select 3, '1999', 'log.test/audit/1999', 'frozen', size, sha256('forged'), edge
         from audit_log where log_id = 2`,
      ],
      ...says('publisher:audit_log_inconsistent', 'fsck:checkpoint_missing'),
    },
    doubled: {
      sql: [
        `update audit_log set state = 'frozen' where log_id = 2`,
        `insert into audit_log (log_id, shard, origin, state, size, root, edge)
         select 3, shard || '-2', origin || '-2', 'active', size, root, edge
         from audit_log where log_id = 2`,
      ],
      ...says('fsck:checkpoint_missing', 'publisher:frozen'),
    },
    swapped: {
      sql: [
        `update audit_log as a set size = b.size, root = b.root, edge = b.edge
         from audit_log as b where a.log_id <> b.log_id`,
      ],
      ...BACKWARDS,
    },
    truncated: {
      sql: ['delete from audit_log', LATE],
      ...says('sequencer:pending_late', 'auditor:checkpoint_missing'),
    },
    'rolled back': { sql: rollBack('audit_log'), ...BACKWARDS },
  },
  more: {
    'the origin is no name of a key': {
      sql: [`update audit_log set origin = 'not a name' where log_id = 2`],
      ...says('fsck:store_damaged', 'publisher:audit_checkpoint_failed'),
    },
    'the size is lowered': {
      sql: ['update audit_log set size = size - 1 where log_id = 2'],
      ...says('sequencer:altered_head', 'publisher:audit_log_went_backwards'),
    },
    'the shard is frozen without a last leaf, and batches wait': {
      sql: [`update audit_log set state = 'frozen' where log_id = 2`, LATE],
      ...says('sequencer:pending_late', 'publisher:frozen'),
    },
    'a shard is opened again that ended': {
      sql: [
        `update audit_log set state = 'frozen' where log_id = 2`,
        `update audit_log set state = 'active' where log_id = 1`,
      ],
      ...says('sequencer:', 'publisher:frozen', 'fsck:freeze_not_last'),
    },
  },
};

const NEWEST = 'log_id = 2 and size = (select max(size) from audit_checkpoint where log_id = 2)';
const SHRANK = says('auditor:log_shrank');

export const CHECKPOINT: TableMatrix = {
  table: 'audit_checkpoint',
  row: NEWEST,
  columns: {
    log_id: SHRANK,
    size: { ...says('publisher:audit_log_inconsistent'), to: ['size - 1'] },
    root: says('publisher:audit_log_inconsistent'),
    note: says('fsck:checkpoint_refused', 'auditor:checkpoint_refused'),
    published_at: unseen('only tells a metric how old the newest checkpoint is'),
  },
  rows: {
    deleted: { sql: [`delete from audit_checkpoint where ${NEWEST}`], ...SHRANK },
    forged: {
      sql: [
        `insert into audit_checkpoint (log_id, size, root, note)
         select log_id, size + 9, sha256(root), note from audit_checkpoint where ${NEWEST}`,
      ],
      ...says('publisher:audit_log_went_backwards'),
    },
    doubled: {
      sql: [
        `insert into audit_checkpoint (log_id, size, root, note)
         select log_id, size - 1, root, note from audit_checkpoint where ${NEWEST}`,
        `delete from audit_checkpoint where ${NEWEST}`,
      ],
      ...says('publisher:audit_log_inconsistent'),
    },
    swapped: {
      sql: [
        `update audit_checkpoint as a set root = b.root, note = b.note from audit_checkpoint as b
         where a.log_id = 2 and b.log_id = 2 and a.size <> b.size and
           (select min(size) from audit_checkpoint where log_id = 2) in (a.size, b.size) and
           (select max(size) from audit_checkpoint where log_id = 2) in (a.size, b.size)`,
      ],
      ...says('auditor:log_shrank', 'publisher:audit_log_inconsistent'),
    },
    truncated: {
      sql: ['delete from audit_checkpoint where log_id = 2'],
      ...says('fsck:checkpoint_missing', 'auditor:checkpoint_missing'),
    },
    'rolled back': { sql: rollBack('audit_checkpoint'), ...SHRANK },
  },
  more: {
    'the size is raised': {
      sql: [`update audit_checkpoint set size = size + 1 where ${NEWEST}`],
      ...says('publisher:audit_log_went_backwards'),
    },
  },
};
