// The tamper matrix of what writers and sequencer work with. `$living` is the boot id of the living writer,
// `$second` the number of the second batch of it that waits, `$next` where the tree stands with it.

import { says, type TableMatrix, unseen } from './tamper-cells.ts';
import { rollBack } from './tampered-log.ts';

const WAITING = 'boot_id = $living and first_seq >= $next';
const IN_TREE = `exists (select from audit_writer as writer
  where writer.boot_id = audit_pending.boot_id and next_seq > first_seq)`;
const ALTERED = says('writer:altered', 'sequencer:altered_batch', 'sequencer:gap');

export const PENDING: TableMatrix = {
  table: 'audit_pending',
  row: 'boot_id = $living and first_seq = $second',
  columns: {
    day: says('writer:restored', 'sequencer:altered_batch'),
    boot_id: says('writer:restored', 'sequencer:altered_batch'),
    first_seq: says('writer:restored'),
    log_id: ALTERED,
    n: ALTERED,
    leaves: ALTERED,
    sealed_who: ALTERED,
    sealed_what: ALTERED,
    terms: ALTERED,
    mac: ALTERED,
    written_at: {
      ...unseen('outside the MAC: it only tells how long the row has waited'),
      to: [`written_at + interval '1 day'`],
    },
  },
  rows: {
    deleted: {
      sql: ['delete from audit_pending where boot_id = $living and first_seq = $second'],
      ...says('writer:restored'),
    },
    forged: {
      sql: [
        `insert into audit_pending select day, substring(sha256('forged') for 16), 0, log_id, n, leaves,
          sealed_who, sealed_what, mac, written_at, terms from audit_pending
         where boot_id = $living and first_seq = $second`,
      ],
      ...says('sequencer:altered_batch'),
    },
    doubled: {
      sql: [
        `insert into audit_pending select day + 1, boot_id, first_seq, log_id, n, leaves,
          sealed_who, sealed_what, mac, written_at, terms from audit_pending
         where boot_id = $living and first_seq = $second`,
      ],
      ...says('sequencer:altered_batch'),
    },
    swapped: {
      sql: [
        `update audit_pending as a set n = b.n, leaves = b.leaves, sealed_who = b.sealed_who,
          sealed_what = b.sealed_what, terms = b.terms, mac = b.mac
         from audit_pending as b
         where a.boot_id = $living and b.boot_id = $living and a.first_seq >= $next
           and b.first_seq >= $next and a.first_seq <> b.first_seq
           and (a.first_seq = $second or b.first_seq = $second) and least(a.first_seq, b.first_seq) = $next`,
      ],
      ...says('writer:altered', 'sequencer:altered_batch'),
    },
    truncated: {
      sql: [`delete from audit_pending where ${WAITING}`],
      ...says('writer:restored'),
    },
    'rolled back': { sql: rollBack('audit_pending'), ...says('writer:restored') },
  },
  more: {
    'a batch is deleted when its writer is dead': {
      sql: ['delete from audit_pending where boot_id = $living and first_seq = $second'],
      ...says('sequencer:gap', 'publisher:', 'fsck:gap'),
    },
    'terms are taken away': {
      sql: [
        'update audit_pending set terms = null where boot_id = $living and first_seq = $second',
      ],
      ...ALTERED,
    },
    'batches that are in the tree are changed': {
      sql: [`update audit_pending set leaves = set_byte(leaves, 9, 0) where ${IN_TREE}`],
      ...unseen('they are in the tree, and nobody reads them again'),
    },
    'batches that are in the tree are deleted': {
      sql: [`delete from audit_pending where ${IN_TREE}`],
      ...unseen('they are in the tree, and go in two days'),
    },
  },
};

export const WRITER: TableMatrix = {
  table: 'audit_writer',
  row: 'boot_id = $living',
  columns: {
    // A writer of which nothing is known begins at 0: what it wrote is taken once more.
    boot_id: says('sequencer:', 'publisher:', 'fsck:number_twice', 'fsck:id_twice'),
    next_seq: says('sequencer:gap', 'publisher:', 'fsck:gap_wrong'),
    last_day: unseen('nobody reads it but the one who writes it next'),
    last_seen: unseen('only tells whom to close; a writer that comes back goes on'),
    closed: unseen('a batch opens it again; the living writer goes on under a new boot id'),
  },
  rows: {
    deleted: {
      sql: ['delete from audit_writer where boot_id = $living'],
      ...says('sequencer:', 'publisher:', 'fsck:number_twice'),
    },
    forged: {
      sql: [
        `insert into audit_writer (boot_id, next_seq, last_day, last_seen, closed)
         select substring(sha256('forged') for 16), 7, last_day, last_seen, false
         from audit_writer where boot_id = $living`,
      ],
      ...unseen('claims numbers of a writer that never was: nothing in the tree is different'),
    },
    doubled: {
      sql: [
        'alter table audit_writer drop constraint audit_writer_pkey',
        `insert into audit_writer select boot_id, 0, last_day, last_seen, closed
         from audit_writer where boot_id = $living`,
      ],
      ...says('sequencer:cycle_failed'),
    },
    swapped: {
      sql: [
        `update audit_writer as a set next_seq = b.next_seq from audit_writer as b
         where a.boot_id <> b.boot_id and (a.boot_id = $living or b.boot_id = $living)
           and (select max(next_seq) from audit_writer) in (a.next_seq, b.next_seq)`,
      ],
      ...says('writer:lost'),
    },
    truncated: {
      sql: ['delete from audit_writer'],
      ...says('sequencer:', 'publisher:', 'fsck:number_twice'),
    },
    'rolled back': {
      sql: rollBack('audit_writer'),
      ...says('sequencer:', 'publisher:', 'fsck:number_twice'),
    },
  },
  more: {
    'the number is raised past a batch that waits': {
      sql: ['update audit_writer set next_seq = $second where boot_id = $living'],
      ...says('writer:lost', 'sequencer:', 'publisher:', 'fsck:number_missing'),
    },
    'the number is raised past all numbers': {
      sql: ['update audit_writer set next_seq = next_seq + 1000000 where boot_id = $living'],
      ...says('writer:lost'),
    },
  },
};

const NO_TURN = unseen('turns are no evidence; the age of the newest checkpoint is a metric');

export const TURN: TableMatrix = {
  table: 'audit_turn',
  row: 'log_id = 2',
  columns: {
    log_id: {
      ...unseen('whose turn it is to sign: no row is a turn for the first who asks'),
      to: ['log_id + 1'],
    },
    taken_at: {
      ...unseen(
        'when the last turn was: signing waits or not, and what is signed is checked first',
      ),
    },
  },
  rows: {
    deleted: { sql: ['delete from audit_turn where log_id = 2'], ...NO_TURN },
    forged: { sql: ['insert into audit_turn values (9, clock_timestamp())'], ...NO_TURN },
    doubled: {
      sql: ['insert into audit_turn select log_id + 7, taken_at from audit_turn'],
      ...NO_TURN,
    },
    swapped: {
      sql: [
        `update audit_turn as a set taken_at = b.taken_at from audit_turn as b
         where a.log_id <> b.log_id`,
      ],
      ...NO_TURN,
    },
    truncated: { sql: ['delete from audit_turn'], ...NO_TURN },
    'rolled back': { sql: rollBack('audit_turn'), ...NO_TURN },
  },
};
