import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VaultCipher } from '../crypto/vault-cipher.ts';
import { VaultError } from '../domain/errors.ts';
import type { DeadToken, TokenSweep } from '../operations/ports/token-sweep.ts';
import { makeSweeperMetrics } from '../telemetry/metrics-sweeper.ts';
import { type SweeperDeps, startSweeper } from './sweeper.ts';

const CHUNK_ROWS = 1_000;

const deadToken = (overrides: Partial<DeadToken> = {}): DeadToken => ({
  vaultId: 1,
  shard: 0,
  token: randomBytes(8).toString('hex'),
  isSmall: false,
  ...overrides,
});
const many = (count: number, overrides: Partial<DeadToken> = {}) =>
  Array.from({ length: count }, () => deadToken(overrides));

/** A sweeper over a list of dead rows; vault 3 has no keys. Answers in `old` are there to be forgotten. */
function openSweeper(dead: DeadToken[], overrides: Partial<SweeperDeps> = {}) {
  const tombstones = new Map<string, string | undefined>();
  const lines: { event: string; fields: unknown }[] = [];
  const state = { dead, old: 0, passes: 0, failures: 0, finds: 0 };
  const sweep: TokenSweep = {
    async findDead({ limit, withoutKeys }) {
      state.finds += 1;
      return state.dead
        .filter((row) => !row.isSmall || !withoutKeys.includes(row.vaultId))
        .slice(0, limit);
    },
    async bury(rows) {
      for (const { token, tombstone } of rows) tombstones.set(token, tombstone?.toString());
      state.dead = state.dead.filter(({ token }) => !tombstones.has(token));
      return rows.length;
    },
    async forget() {
      const forgotten = Math.min(state.old, 10);
      state.old -= forgotten;
      return forgotten;
    },
  };
  const cipherOf = async (vaultId: number) => {
    if (vaultId === 3) throw new VaultError('key_unavailable');
    const digests = { tombstone: (token: string) => Buffer.from(`${vaultId}:${token}`) };
    return { digests } as unknown as VaultCipher;
  };
  const sweeper = startSweeper({
    sweep,
    keys: { cipherOf },
    intervalMs: 1,
    random: randomBytes,
    clock: { now: () => Date.now() },
    metrics: {
      ...makeSweeperMetrics([]),
      passed: () => {
        state.passes += 1;
      },
      failed: () => {
        state.failures += 1;
      },
    },
    logger: { warn: (event, fields) => lines.push({ event, fields }) },
    ...overrides,
  });
  return { sweeper, sweep, state, tombstones, lines };
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'waited in vain');
    await sleep(1);
  }
}

it('buries everything that is dead, chunk after chunk, and forgets all that is old', async () => {
  const rows = [...many(2 * CHUNK_ROWS + 5), ...many(3, { isSmall: true, vaultId: 2 })];
  const { sweeper, state, tombstones } = openSweeper(rows);
  state.old = 35;
  await until(() => state.passes > 0);
  await sweeper.close();
  assert.deepEqual([state.dead.length, state.old], [0, 0]);
  for (const { token, isSmall } of rows) {
    assert.equal(tombstones.get(token), isSmall ? `2:${token}` : undefined);
  }
});

it('a vault without its keys keeps its rows of small formats, and holds up nobody else', async () => {
  const waiting = many(CHUNK_ROWS, { vaultId: 3, isSmall: true });
  const others = [...many(3, { vaultId: 3 }), ...many(3, { isSmall: true })];
  const { sweeper, state, lines } = openSweeper([...waiting, ...others]);
  await until(() => state.passes > 0);
  await sweeper.close();
  assert.deepEqual(state.dead, waiting);
  assert.deepEqual(lines[0], { event: 'sweep_without_keys', fields: { vaultId: 3 } });
  assert.equal(lines.length, state.passes, 'one line per pass and vault');
});

it('leaves rows alone that another instance is deleting', async () => {
  const { sweeper, sweep, state } = openSweeper([]);
  sweep.bury = async () => 0;
  state.dead = many(CHUNK_ROWS);
  const finds = state.finds;
  const passes = state.passes;
  await until(() => state.passes >= passes + 3);
  await sweeper.close();
  assert.ok(state.finds - finds <= state.passes - passes + 1, 'one look per pass');
});

it('goes on after a pass that failed', async () => {
  const { sweeper, sweep, state, lines } = openSweeper(many(1));
  const { bury } = sweep;
  sweep.bury = async () => {
    sweep.bury = bury;
    throw new VaultError('store_unavailable');
  };
  await until(() => state.passes > 0 && state.dead.length === 0);
  await sweeper.close();
  assert.equal(state.failures, 1);
  assert.equal(lines[0]?.event, 'sweep_failed');
});

it('ends only after the chunk at work, and begins no other', async () => {
  const { sweeper, sweep, state } = openSweeper(many(3 * CHUNK_ROWS));
  const { bury } = sweep;
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  sweep.bury = async (rows) => {
    begin();
    await released;
    return bury(rows);
  };
  await begun;
  let closed = false;
  const closing = sweeper.close().then(() => {
    closed = true;
  });
  await sleep(5);
  assert.equal(closed, false);
  release();
  await closing;
  assert.equal(state.dead.length, 2 * CHUNK_ROWS);
});
