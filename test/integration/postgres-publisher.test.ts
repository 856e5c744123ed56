import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { proofFrom } from '../../src/adapters/postgres/audit/publisher/check.ts';
import { settleOrigin } from '../../src/adapters/postgres/audit/publisher/origin.ts';
import { readShard } from '../../src/adapters/postgres/audit/publisher/rows.ts';
import { makeLogSigner } from '../../src/crypto/log-signer.ts';
import { checkConsistency } from '../../src/tlog/check-proof.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { generateSigningKey, parseSigningKey } from '../../src/tlog/signing-key.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import {
  BASE_ORIGIN,
  type LogUnderTest,
  ORIGIN,
  openLogUnderTest,
  startInstance,
} from '../helpers/publisher.ts';

let it: LogUnderTest;
beforeEach(async () => {
  it = await openLogUnderTest();
});
afterEach(() => it.close());

const sizes = async () => (await it.published()).map(({ size }) => size);

test('the first checkpoint is of the committed tree, and is remembered before it is published', async () => {
  await it.grow(300);
  const { round, deps, measured, lines } = await startInstance(it);
  await round();
  const [first, ...rest] = await it.published();
  assert.deepEqual(rest, []);
  assert.equal(first?.origin, ORIGIN);
  assert.equal(first?.size, 301);
  assert(first?.root.equals(it.log.edge.root()));
  const head = await deps.heads.read(ORIGIN);
  assert.equal(head?.size, 301);
  assert.equal(head?.note, first?.note);
  await round();
  assert.equal(measured.size, 301);
  assert.deepEqual(lines, []);
});

test('checkpoints are made at most once a second, and only of a tree that grew', async () => {
  const { round } = await startInstance(it);
  await round();
  await it.sameTurn();
  await it.grow(5);
  await round();
  assert.deepEqual(await sizes(), [1]);
  await it.nextTurn();
  await round();
  assert.deepEqual(await sizes(), [1, 6]);
  await it.nextTurn();
  await round();
  await round();
  assert.deepEqual(await sizes(), [1, 6]);
});

test('checkpoints of five instances at once never contradict each other', async () => {
  const instances = await Promise.all(Array.from({ length: 5 }, () => startInstance(it)));
  const states = [it.log.edge.state()];
  for (let step = 0; step < 8; step += 1) {
    await it.grow(1 + step * 20);
    states.push(it.log.edge.state());
    await it.nextTurn();
    await Promise.all(instances.map(({ round }) => round()));
  }
  const published = await it.published();
  assert.equal(published.at(-1)?.size, it.log.edge.size());
  for (const { size, root } of published) {
    const state = states.find((known) => known.size === size);
    assert(state !== undefined, `size ${size} was never committed`);
    assert(makeEdge(state).root().equals(root));
  }
  // Those that were not first have taken over what the first one published.
  await Promise.all(instances.map(({ round }) => round()));
  for (const { deps, lines } of instances) {
    assert.equal((await deps.heads.read(ORIGIN))?.size, it.log.edge.size());
    assert(!lines.some((line) => line.startsWith('error')), lines.join());
  }
});

test('five instances with one memory sign each size once', async () => {
  const heads = makeFileHeadStore(await it.newFolder());
  const instances = await Promise.all(
    Array.from({ length: 5 }, () => startInstance(it, { heads })),
  );
  for (let step = 0; step < 4; step += 1) {
    await it.grow(10);
    await it.nextTurn();
    await Promise.all(instances.map(({ round }) => round()));
  }
  assert.deepEqual(await sizes(), [11, 21, 31, 41]);
  assert(instances.every(({ lines }) => lines.length === 0));
});

test('a crash between remembering and publishing is made good by the next round', async () => {
  const folder = await it.newFolder();
  const heads = makeFileHeadStore(folder);
  const crashing = {
    ...heads,
    advance: async (step: Parameters<typeof heads.advance>[0]) => {
      await heads.advance(step);
      throw new Error('killed');
    },
  };
  const dying = await startInstance(it, { heads: crashing });
  await dying.round();
  assert.deepEqual(await sizes(), []);
  assert.equal((await heads.read(ORIGIN))?.size, 1);

  const next = await startInstance(it, { heads: makeFileHeadStore(folder) });
  await it.nextTurn();
  await next.round();
  const [published] = await it.published();
  assert.equal(published?.note, (await heads.read(ORIGIN))?.note);
  assert.deepEqual(next.lines, []);
});

test('an instance without memory goes on from what is published, and says so', async () => {
  await (await startInstance(it)).round();
  await it.grow(5);
  await it.nextTurn();
  const { round, lines, deps } = await startInstance(it);
  await round();
  assert.deepEqual(await sizes(), [1, 6]);
  assert.deepEqual(lines, ['warn audit_head_missing']);
  assert.equal((await deps.heads.read(ORIGIN))?.size, 6);
});

test('with a memory that cannot be read nothing is signed until it can', async () => {
  const folder = await it.newFolder();
  const { round, lines } = await startInstance(it, { heads: makeFileHeadStore(folder) });
  await round();
  const [file = ''] = await readdir(folder);
  const { note = '' } = (await it.published())[0] ?? {};
  for (const foreign of ['', note.replace(ORIGIN, 'other.test/2026')]) {
    await writeFile(join(folder, file), foreign);
    await it.grow(1);
    await it.nextTurn();
    await round();
    await round();
  }
  assert.deepEqual(await sizes(), [1]);
  assert.deepEqual(lines, ['error audit_head_unreadable', 'error audit_checkpoint_failed']);
  await writeFile(join(folder, file), note);
  await round();
  assert.deepEqual(await sizes(), [1, 3]);
});

test('a new key is announced in the log, and signs beside the old one', async () => {
  const { privateKey } = parseSigningKey(generateSigningKey('new'));
  const signer = makeLogSigner({ keysets: it.keysets, sources: ['keyring', privateKey] });
  const { round } = await startInstance(it, { signer });
  await round();
  await round();
  const [, vkey] = await signer.vkeysOf(ORIGIN);
  const leaves = await it.rows<{ leaf: string }>(
    `select encode(leaves, 'escape') as leaf from audit_segment where facets @> array['op:log.key']`,
  );
  assert.equal(leaves.length, 1);
  assert(leaves[0]?.leaf.includes(`"attr":{"vkey":${JSON.stringify(vkey)}}`));
  const [published] = await it.published();
  assert.equal(published?.note.match(/^— /gm)?.length, 2);
});

test('what somebody wrote into the table of checkpoints is not taken for a memory', async () => {
  const { round, deps } = await startInstance(it);
  await it.grow(9);
  await it.tamper(
    `insert into audit_checkpoint (log_id, size, root, note) select log_id, size, root, $1 from audit_log`,
    ['not signed\n'],
  );
  await round();
  assert.equal(await deps.heads.read(ORIGIN), undefined);
});

test('the last leaves of a shard that ended well are published after its end', async () => {
  const { round } = await startInstance(it);
  await round();
  await it.log.append([sampleEvent({ operation: 'log.freeze', attributes: { size: 2 } })]);
  await it.tamper(`update audit_log set state = 'frozen'`);
  await it.nextTurn();
  await round();
  assert.deepEqual(await sizes(), [1, 2]);
});

test('the origin of a log is for life, and another one is refused in one line', async () => {
  const open = () => Promise.reject(new Error('not needed'));
  const settle = (configured: string | undefined) =>
    settleOrigin({ pool: it.pool, configured, fallback: () => 'never.test', open });
  assert.equal(await settle(undefined), BASE_ORIGIN);
  assert.equal(await settle(BASE_ORIGIN), BASE_ORIGIN);
  await assert.rejects(settle('other.test/audit'), {
    code: 'internal',
    message: /^COUNTERFOIL_AUDIT_ORIGIN is other\.test\/audit, but [^\n]*log\.test\/audit:[^\n]*$/,
  });
});

test('proofs from every published checkpoint to the last one hold', async () => {
  const { round } = await startInstance(it);
  for (const count of [1, 254, 1, 300, 700]) {
    await it.grow(count);
    await it.nextTurn();
    await round();
  }
  const published = await it.published();
  const state = await readShard(it.pool, it.log.logId);
  assert(state !== undefined);
  for (const { size, root } of published) {
    const proof = await proofFrom(it.pool, state, size);
    checkConsistency({ oldSize: size, oldRoot: root, size: state.size, root: state.root, proof });
  }
});
