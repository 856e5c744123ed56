import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import {
  makeSequencerMetrics,
  SEQUENCER_ALARMS,
  type SequencerAlarm,
} from '../../../../telemetry/metrics-sequencer.ts';
import { makeAlarms } from './alarms.ts';
import type { CycleReport } from './report.ts';

const QUIET: CycleReport = {
  outcome: 'waiting',
  events: 0,
  bytes: 0,
  seconds: 0.01,
  isFull: false,
  gaps: [],
  altered: [],
  closed: [],
  clockBack: [],
  pending: { events: 0, seconds: 0 },
};

function open() {
  const registry = new Registry();
  const told: string[] = [];
  const alarms = makeAlarms({
    watch: makeSequencerMetrics([registry]),
    alarm: (kind) => told.push(kind),
    recovered: (kind) => told.push(`${kind} is over`),
  });
  const value = async (line: string): Promise<number> => {
    const found = (await registry.metrics()).split('\n').find((one) => one.startsWith(`${line} `));
    return Number(found?.split(' ').at(-1));
  };
  const counted = (kind: SequencerAlarm) => value(`counterfoil_audit_alarms_total{kind="${kind}"}`);
  return { alarms, told, value, counted };
}

/** The report that each alarm of a cycle is raised by. */
const REPORTS: Partial<Record<SequencerAlarm, Partial<CycleReport>>> = {
  altered_batch: { altered: [{ day: '2026-01-01', bootId: 'b', firstSeq: 3 }] },
  gap: { gaps: [{ bootId: 'b', from: 3, to: 5, why: 'missing' }] },
  writer_closed: { closed: [{ bootId: 'b', nextSeq: 3 }] },
  altered_head: { outcome: 'altered_head' },
  clock_back: { clockBack: [{ bootId: 'b', backMs: 5_000 }] },
  pending_late: { pending: { events: 1, seconds: 5.5 } },
};

for (const [kind, found] of Object.entries(REPORTS) as [SequencerAlarm, Partial<CycleReport>][]) {
  test(`${kind} is told of and counted`, async () => {
    const { alarms, told, counted } = open();
    assert.equal(await counted(kind), 0);
    alarms.report({ ...QUIET, ...found });
    assert.deepEqual(told, [kind]);
    assert.equal(await counted(kind), 1);
  });
}

test('every alarm there is can be counted before it is raised, and is when it is raised', async () => {
  for (const kind of SEQUENCER_ALARMS) {
    const { alarms, counted } = open();
    assert.equal(await counted(kind), 0);
    alarms.raise(kind, {});
    assert.equal(await counted(kind), 1);
  }
});

test('what lasts is told of once, shows while it lasts, and its end is told of', async () => {
  const { alarms, told, value, counted } = open();
  const late = { ...QUIET, pending: { events: 7, seconds: 6 } };
  alarms.report(late);
  alarms.report(late);
  assert.equal(await value('counterfoil_audit_alarm_active{kind="pending_late"}'), 1);
  assert.equal(await value('counterfoil_audit_pending_age_seconds'), 6);
  assert.equal(await value('counterfoil_audit_pending_events'), 7);
  alarms.report(QUIET);
  alarms.report(QUIET);
  assert.deepEqual(told, ['pending_late', 'pending_late is over']);
  assert.equal(await counted('pending_late'), 1);
  assert.equal(await value('counterfoil_audit_alarm_active{kind="pending_late"}'), 0);
});

test('an altered head is not over because nobody looked at it', () => {
  const { alarms, told } = open();
  alarms.report({ ...QUIET, outcome: 'altered_head' });
  for (const outcome of ['idle', 'busy', 'failed'] as const) alarms.report({ ...QUIET, outcome });
  assert.deepEqual(told, ['altered_head']);
  alarms.report({ ...QUIET, outcome: 'integrated' });
  assert.deepEqual(told, ['altered_head', 'altered_head is over']);
});

test('counts what was integrated, and the numbers that gaps stand for', async () => {
  const { alarms, value } = open();
  const gaps = [{ bootId: 'b', from: 3, to: 5, why: 'altered' as const }];
  alarms.report({ ...QUIET, outcome: 'integrated', events: 40, bytes: 900, gaps });
  assert.equal(await value('counterfoil_audit_integrated_events_total'), 40);
  assert.equal(await value('counterfoil_audit_integrated_bytes_total'), 900);
  assert.equal(await value('counterfoil_audit_gaps_total{why="altered"}'), 1);
  assert.equal(await value('counterfoil_audit_gap_numbers_total{why="altered"}'), 3);
});
