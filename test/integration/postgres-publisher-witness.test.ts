import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { findActiveShard } from '../../src/adapters/postgres/audit/shards.ts';
import { readWitnesses } from '../../src/adapters/witness/read-witnesses.ts';
import { openByPolicy } from '../../src/tlog/open-by-policy.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { parseWitnessRequest } from '../../src/tlog/witness-request.ts';
import {
  type Instance,
  type LogUnderTest,
  ORIGIN,
  openLogUnderTest,
  startInstance,
} from '../helpers/publisher.ts';
import { startWitness, type TestWitness } from '../helpers/witness.ts';

let it: LogUnderTest;
let witness: TestWitness;
let other: TestWitness;
let instance: Instance;
let vkey: string;
beforeEach(async () => {
  it = await openLogUnderTest();
  witness = await startWitness('witness.test/one');
  other = await startWitness('witness.test/other');
  instance = await startWitnessed();
  [vkey = ''] = await instance.deps.signer.vkeysOf(ORIGIN);
  witness.trust(ORIGIN, vkey);
  other.trust(ORIGIN, vkey);
});
afterEach(async () => {
  await Promise.all([it.close(), witness.close(), other.close()]);
});

const policyText = (quorum: string) =>
  [
    `witness one ${witness.vkey} ${witness.url}`,
    `witness other ${other.vkey} ${other.url}`,
    'group both all one other',
    `quorum ${quorum}`,
  ].join('\n');

const startWitnessed = () => startInstance(it, { witnessing: readWitnesses(policyText('both')) });

async function publishNext(by = instance): Promise<void> {
  await it.nextTurn();
  await by.round();
}

/** The witnesses, by name, whose cosignatures the newest published checkpoint bears. */
async function cosigners(): Promise<string[]> {
  const { note = '' } = (await it.published()).at(-1) ?? {};
  const policy = parsePolicy(`log ${vkey}\n${policyText('none')}`);
  return openByPolicy(note, policy).cosignatures.map((cosignature) => cosignature.witness);
}

test('a published checkpoint bears the cosignatures of all witnesses that answered', async () => {
  await it.grow(300);
  await publishNext();
  assert.deepEqual(await cosigners(), ['one', 'other']);
  await it.grow(300);
  await publishNext();
  assert.deepEqual(await cosigners(), ['one', 'other']);
  assert.equal(witness.sizeOf(ORIGIN), 601);
  // The second request went from where the first one ended, without a question in between.
  const old = witness.requests.map((body) => parseWitnessRequest(body).oldSize);
  assert.deepEqual(old, [0, 301]);
  assert.deepEqual(instance.lines, []);
});

test('a witness hears of a tree only after that is remembered', async () => {
  let remembered: number | undefined;
  witness.answerWith = async (honest) => {
    remembered = (await instance.deps.heads.read(ORIGIN))?.size;
    return honest();
  };
  await publishNext();
  assert.equal(remembered, 1);
});

test('an instance that does not know where a witness is learns it from the witness', async () => {
  await publishNext();
  await it.grow(20);
  await publishNext(await startWitnessed());
  const old = witness.requests.map((body) => parseWitnessRequest(body).oldSize);
  assert.deepEqual(old, [0, 0, 1]);
  assert.deepEqual(await cosigners(), ['one', 'other']);
});

test('a witness that is down does not stop publication, and is told of once', async () => {
  await publishNext();
  witness.answerWith = () => ({ status: 500, body: '' });
  for (let turn = 0; turn < 3; turn += 1) {
    await it.grow(1);
    await publishNext();
    assert.deepEqual(await cosigners(), ['other']);
  }
  await instance.round();
  const lag = (name: string) => instance.measured.lags.get(name)?.() ?? Number.NaN;
  assert(lag('one') > 0);
  assert.equal(lag('other'), 0);
  witness.answerWith = undefined;
  await it.grow(1);
  await publishNext();
  assert.deepEqual(await cosigners(), ['one', 'other']);
  await instance.round();
  assert.equal(lag('one'), 0);
  assert.deepEqual(instance.lines, [
    'warn audit_witness_failed',
    'warn audit_quorum_not_met',
    'info audit_witness_recovered',
    'info audit_quorum_met',
  ]);
});

test('a witness that never answers does not hold publication up for ever', async () => {
  witness.answerWith = () => new Promise(() => {});
  await publishNext();
  assert.deepEqual(await cosigners(), ['other']);
});

test('a cosignature that is not valid, or of somebody else, is not published', async () => {
  const bodies = [
    // Another key of the same name.
    (await startForeign('witness.test/one')).lines,
    // The right line, but of another checkpoint.
    await cosignatureOfAnother(),
    'hello\n',
    '',
  ];
  for (const body of bodies) {
    witness.answerWith = () => ({ status: 200, body });
    await it.grow(1);
    await publishNext();
    assert.deepEqual(await cosigners(), ['other']);
    const { note = '' } = (await it.published()).at(-1) ?? {};
    assert.equal(note.match(/^— /gm)?.length, 2);
  }
  assert(instance.lines.includes('warn audit_witness_failed'));
});

test('other lines beside the right cosignature are left out', async () => {
  const foreign = (await startForeign('witness.test/stranger')).lines;
  witness.answerWith = (honest) => ({ status: 200, body: `${foreign}${honest().body}${foreign}` });
  await it.grow(1);
  await publishNext();
  assert.deepEqual(await cosigners(), ['one', 'other']);
  const { note = '' } = (await it.published()).at(-1) ?? {};
  assert(!note.includes('stranger'));
});

test('a number alone, however large, freezes nothing: it is an alarm', async () => {
  witness.answerWith = () => ({ status: 409, body: '1000\n', contentType: 'text/x.tlog.size' });
  for (let turn = 0; turn < 3; turn += 1) {
    await it.grow(1);
    await publishNext();
  }
  assert.deepEqual(await cosigners(), ['other']);
  assert.equal((await findActiveShard(it.pool))?.shard, '2026');
  assert.equal(instance.lines.filter((line) => line === 'error audit_witness_is_ahead').length, 1);
});

test('a witness gives back a memory that was lost, by our own signature', async () => {
  await publishNext();
  const [start] = await it.rows<{ size: string; root: Buffer; edge: Buffer }>(
    'select size, root, edge from audit_log',
  );
  await it.grow(20);
  await publishNext();
  // The database is restored, and every instance with its memory is gone.
  await it.tamper('update audit_log set size = $1, root = $2, edge = $3', [
    start?.size,
    start?.root,
    start?.edge,
  ]);
  await it.tamper('delete from audit_segment where first_index >= $1', [start?.size]);
  await it.tamper('delete from audit_checkpoint');
  const forgetful = await startWitnessed();
  await publishNext(forgetful);
  assert.equal((await forgetful.deps.heads.read(ORIGIN))?.size, 21);
  await publishNext(forgetful);
  assert.equal((await findActiveShard(it.pool))?.shard, '2026-2');
  assert(forgetful.lines.includes('error audit_log_went_backwards'));
});

/** What a witness that we do not know answers to the present checkpoint. */
async function startForeign(name: string): Promise<{ lines: string }> {
  const foreign = await startWitness(name);
  foreign.trust(ORIGIN, vkey);
  const { note } = (await it.published()).at(-1) ?? (await publishFirst());
  const body = `old 0\n\n${note.replace(/(— .*\n)(— .*\n)*$/, '$1')}`;
  const answer = await fetch(`${foreign.url}/add-checkpoint`, { method: 'POST', body });
  await foreign.close();
  return { lines: await answer.text() };
}

async function publishFirst() {
  const unwitnessed = await startInstance(it);
  await publishNext(unwitnessed);
  const [first] = await it.published();
  assert(first !== undefined);
  return first;
}

async function cosignatureOfAnother(): Promise<string> {
  await it.grow(1);
  await publishNext();
  const { note = '' } = (await it.published()).at(-1) ?? {};
  return (
    note
      .split('\n')
      .find((line) => line.startsWith('— witness.test/one'))
      ?.concat('\n') ?? ''
  );
}
