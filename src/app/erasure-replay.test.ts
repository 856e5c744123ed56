import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callAs, makeTestOperations } from '../../test/helpers/operations.ts';
import { policyOf } from '../../test/helpers/policies.ts';
import { VaultError } from '../domain/errors.ts';
import type { makeErasureMetrics } from '../telemetry/metrics-erasures.ts';
import { type ErasureReplayDeps, startErasureReplay } from './erasure-replay.ts';

const POLICY = policyOf(
  { name: { type: 'text', token: { mode: 'random', prefix: 'nam' } } },
  { privacy: [{ allow: ['subject.erase', 'subject.export'] }] },
);
const subject = 'customer-17';
const privacy = callAs('privacy');

/** A service whose log lines and numbers are in sight. */
function makeService() {
  const service = makeTestOperations(POLICY);
  const lines: { event: string; fields: unknown }[] = [];
  const log = (event: string, fields: unknown = {}) => lines.push({ event, fields });
  const counts = { replayed: 0, altered: 0, failed: 0 };
  const metrics: ReturnType<typeof makeErasureMetrics> = {
    replayed: () => {
      counts.replayed += 1;
    },
    altered: (entries) => {
      counts.altered = entries;
    },
    failed: () => {
      counts.failed += 1;
    },
  };
  const logger = { warn: log, error: log } as unknown as ErasureReplayDeps['logger'];
  const digest = service.cipher.subjectDigest(subject);
  const deps: ErasureReplayDeps = { ...service.deps, metrics, logger, intervalMs: 1 };
  const note = (atMs: number, of = digest, vaultId = 1) =>
    service.deps.journal.note({ vaultId, digest: of, atMs });
  const held = async () => {
    const { output } = await service.operations.exportSubject(privacy, { subject });
    return output.fields['name']?.map(({ value }) => value) ?? [];
  };
  const tokenize = (value: string) =>
    service.operations.tokenize(callAs('all'), { field: 'name', value, subject });
  return { ...service, replaying: deps, lines, counts, note, held, tokenize, digest };
}

const until = async (isTrue: () => boolean | Promise<boolean>) => {
  for (let tries = 0; !(await isTrue()); tries += 1) {
    assert.ok(tries < 2_000, 'it never happened');
    await sleep(5);
  }
};

test('whoever the journal has and the database does not is gone when the start is over', async () => {
  const service = makeService();
  await service.tokenize('Ada');
  await service.note(5);
  const replay = await startErasureReplay(service.replaying);
  assert.deepEqual(await service.held(), []);
  await replay.close();
  assert.equal(service.counts.replayed, 1);
  assert.deepEqual(service.lines, [
    { event: 'erasure_replayed', fields: { vaultId: 1, atMs: 5, erased: 1 } },
  ]);
});

test('each replay has an event of the service itself, before it; a known erasure has none', async () => {
  const service = makeService();
  await service.tokenize('Ada');
  await service.note(5);
  service.audit.setAvailable(false);
  await assert.rejects(startErasureReplay(service.replaying), { code: 'audit_unavailable' });
  service.audit.setAvailable(true);
  assert.deepEqual(await service.held(), ['Ada']);
  for (const _ of [1, 2]) await (await startErasureReplay(service.replaying)).close();
  const events = service.audit.events.filter(({ operation }) => operation === 'subject.erase');
  assert.equal(events.length, 1);
  const { id: _, policy: __, ...event } = events[0] ?? { id: '' };
  assert.deepEqual(event, {
    operation: 'subject.erase',
    outcome: 'allow',
    status: 200,
    vault: 'demo',
    items: 1,
    attributes: { replayOf: '1970-01-01T00:00:00.005Z' },
    who: {},
    what: { query: { subject: `hmac:${service.digest.toString('base64url')}` } },
  });
});

test('a running service looks again and again, also after a look that failed', async () => {
  const service = makeService();
  const replay = await startErasureReplay(service.replaying);
  await service.tokenize('Ada');
  service.audit.setAvailable(false);
  await service.note(7);
  await until(() => service.counts.failed > 1);
  service.audit.setAvailable(true);
  await until(async () => (await service.held()).length === 0);
  await replay.close();
  assert.ok(service.lines.some(({ event }) => event === 'erasure_replay_failed'));
});

test('what is just being erased is left to whoever does it, and made up for later', async () => {
  const service = makeService();
  let looks = 0;
  const journal = {
    all: () => {
      looks += 1;
      return service.deps.journal.all();
    },
  };
  const replay = await startErasureReplay({ ...service.replaying, journal });
  await service.tokenize('Ada');
  await service.note(service.deps.clock.now());
  const before = looks;
  await until(() => looks > before + 2);
  assert.deepEqual(await service.held(), ['Ada']);
  service.advance(10_000);
  await until(async () => (await service.held()).length === 0);
  await replay.close();
});

test('a start waits for nobody: also the youngest entry is made up for before it is over', async () => {
  const service = makeService();
  await service.tokenize('Ada');
  await service.note(service.deps.clock.now() + 60_000);
  await (await startErasureReplay(service.replaying)).close();
  assert.deepEqual(await service.held(), []);
});

test('a person who came back after their erasure is not touched by it again', async () => {
  const service = makeService();
  await service.note(5);
  await (await startErasureReplay(service.replaying)).close();
  await service.tokenize('Ada again');
  await (await startErasureReplay(service.replaying)).close();
  assert.deepEqual(await service.held(), ['Ada again']);
});

test('an altered entry erases nobody, and is told once', async () => {
  const service = makeService();
  await service.tokenize('Ada');
  await service.note(5, randomBytes(32));
  const { entries } = service.journalStore;
  const [[name, text]] = [...entries] as [[string, string]];
  entries.delete(name);
  entries.set(`1.5.${service.digest.toString('hex')}`, text);
  let looks = 0;
  const journal = {
    all: () => {
      looks += 1;
      return service.deps.journal.all();
    },
  };
  const replay = await startErasureReplay({ ...service.replaying, journal });
  await until(() => looks > 3);
  await replay.close();
  assert.deepEqual(await service.held(), ['Ada']);
  assert.deepEqual(service.lines, [{ event: 'erasure_journal_altered', fields: { entries: 1 } }]);
  assert.deepEqual(service.counts, { replayed: 0, altered: 1, failed: 0 });
});

test('a vault that is not served stops nobody; one whose keys cannot be had only its own people', async () => {
  const service = makeService();
  await service.tokenize('Ada');
  await service.note(1, service.digest, 99);
  await service.note(2, service.digest);
  await (await startErasureReplay(service.replaying)).close();
  assert.equal(service.counts.replayed, 2);
  assert.deepEqual(await service.held(), []);

  const keys = {
    cipherOf: async () => {
      throw new VaultError('key_unavailable');
    },
  };
  await service.note(3, service.digest, 98);
  await service.note(4, service.digest);
  const failing = startErasureReplay({ ...service.replaying, keys });
  await assert.rejects(failing, { code: 'key_unavailable' });
  assert.equal(service.counts.replayed, 3);
});
