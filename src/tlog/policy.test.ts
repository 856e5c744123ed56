import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLogSigner, refusal } from '../../test/helpers/tlog.ts';
import { signCheckpoint } from './checkpoint.ts';
import { addSignatures, parseNote, signatureLines } from './note.ts';
import { openByPolicy } from './open-by-policy.ts';
import { parsePolicy } from './parse-policy.ts';
import { isQuorumMet } from './policy.ts';
import {
  generateSigningKey,
  makeCosigner,
  makeNoteSigner,
  parseSigningKey,
} from './signing-key.ts';
import { TlogError } from './tlog-error.ts';
import { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';

const ORIGIN = 'log.example/audit';
const log = makeLogSigner(ORIGIN);
const TIME = 1_770_000_000;
const cosigners = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6'].map((name) =>
  makeCosigner(parseSigningKey(generateSigningKey(`${name}.example`)), () => TIME),
);
const cosigner = (number: number) => cosigners[number - 1] ?? assert.fail();

const LOG = `log ${log.verifierKey}\n`;
const WITNESSES = cosigners
  .map(({ verifierKey }, index) => `witness w${index + 1} ${verifierKey}\n`)
  .join('');
// The example of tlog-policy.
const GROUPS = `group X 2 w1 w2 w3\ngroup Y any w4 w5 w6\ngroup X-and-Y all X Y\nquorum X-and-Y\n`;

const checkpoint = signCheckpoint({ origin: ORIGIN, size: 1, root: Buffer.alloc(32) }, [log]);
const { text } = parseNote(checkpoint);
const cosigned = (...numbers: number[]) =>
  addSignatures(checkpoint, signatureLines(text, numbers.map(cosigner)));

/** The rule that the policy breaks, as the error tells it. */
function problemOf(file: string | Uint8Array): string {
  try {
    parsePolicy(file);
  } catch (error) {
    assert.ok(error instanceof TlogError && error.code === 'policy_invalid');
    return error.message;
  }
  return assert.fail('the policy was accepted');
}

test('a quorum is met by the sets of witnesses that its groups say, and by no other', () => {
  const policy = parsePolicy(`${LOG}${WITNESSES}${GROUPS}`);
  for (let set = 0; set < 64; set += 1) {
    const signed = cosigners.filter((_, index) => Math.floor(set / 2 ** index) % 2 === 1);
    const inX = signed.filter((one) => cosigners.indexOf(one) < 3).length;
    assert.equal(isQuorumMet(policy, signed), inX >= 2 && signed.length > inX, String(set));
  }
});

test('one witness, any, all and numbers can be asked for, or none', () => {
  const met = (rule: string, ...numbers: number[]) =>
    isQuorumMet(parsePolicy(`${WITNESSES}${rule}`), numbers.map(cosigner));
  assert.ok(met('quorum none'));
  assert.ok(met('quorum w1', 1) && !met('quorum w1', 2) && !met('quorum w1'));
  assert.ok(met('group g any w1 w2\nquorum g', 2) && !met('group g any w1 w2\nquorum g', 3));
  assert.ok(met('group g all w1 w2\nquorum g', 1, 2) && !met('group g all w1 w2\nquorum g', 1));
  assert.ok(met('group g 2 w1 w2 w3\nquorum g', 1, 3) && !met('group g 2 w1 w2 w3\nquorum g', 1));
});

test('a witness is known by name and id of its key, not by either', () => {
  const policy = parsePolicy(`${WITNESSES}quorum w1`);
  const { name, keyId } = cosigner(1);
  assert.ok(isQuorumMet(policy, [{ name, keyId }]));
  assert.ok(!isQuorumMet(policy, [{ name, keyId: cosigner(2).keyId }]));
  assert.ok(!isQuorumMet(policy, [{ name: 'w1', keyId }]));
});

test('a checkpoint opens with its log and a quorum of cosignatures, and tells when they were made', () => {
  const policy = parsePolicy(`${LOG}${WITNESSES}${GROUPS}`);
  const { checkpoint: opened, cosignatures } = openByPolicy(cosigned(6, 1, 3), policy);
  assert.equal(opened.size, 1);
  assert.deepEqual(
    cosignatures,
    ['w1', 'w3', 'w6'].map((witness) => ({ witness, timeSeconds: TIME })),
  );
  assert.throws(() => openByPolicy(cosigned(1, 2, 3), policy), refusal('quorum_not_met'));
  assert.throws(() => openByPolicy(cosigned(1, 1, 4), policy), refusal('quorum_not_met'));
  const unwitnessed = parsePolicy(`${LOG}quorum none`);
  assert.deepEqual(openByPolicy(cosigned(1, 2, 4), unwitnessed).cosignatures, []);
});

test('a witness that cosigned twice counts once, with its first time', () => {
  const times = [TIME, TIME + 60];
  const key = parseSigningKey(generateSigningKey('twice.example'));
  const twice = makeCosigner(key, () => times.shift() ?? 0);
  const both = addSignatures(checkpoint, signatureLines(text, [twice, twice]));
  const policy = parsePolicy(`${LOG}witness t ${twice.verifierKey}\nquorum t`);
  const { cosignatures } = openByPolicy(both, policy);
  assert.deepEqual(cosignatures, [{ witness: 't', timeSeconds: TIME }]);
});

test('one wrong cosignature of a listed witness refuses the checkpoint, quorum or not', () => {
  const policy = parsePolicy(`${LOG}${WITNESSES}${GROUPS}`);
  const wrong = signatureLines('another text\n', [cosigner(5)]);
  const note = addSignatures(cosigned(1, 2, 4), wrong);
  assert.throws(() => openByPolicy(note, policy), refusal('signature_invalid'));
});

test('cosignatures do not stand in for the log, nor the log for a witness', () => {
  const policy = parsePolicy(`${LOG}${WITNESSES}${GROUPS}`);
  const lines = signatureLines(text, [cosigner(1), cosigner(2), cosigner(4)]);
  const unsigned = addSignatures(`${text}\n`, lines);
  assert.throws(() => openByPolicy(unsigned, policy), refusal('note_unverified'));
  assert.ok(problemOf(`witness w ${log.verifierKey}\nquorum w`).includes('line 1: a witness line'));
  assert.ok(
    problemOf(`log ${cosigner(1).verifierKey}\nquorum none`).includes('line 1: a log line'),
  );
});

test('a log that the policy does not list is refused, whatever it is signed with', () => {
  const other = parsePolicy(`log ${makeLogSigner('log.example/other').verifierKey}\nquorum none`);
  assert.throws(() => openByPolicy(checkpoint, other), refusal('origin_unknown'));
  assert.throws(
    () => openByPolicy(checkpoint, parsePolicy('quorum none')),
    refusal('origin_unknown'),
  );
  const impostor = parsePolicy(`log ${makeLogSigner(ORIGIN).verifierKey}\nquorum none`);
  assert.throws(() => openByPolicy(checkpoint, impostor), refusal('note_unverified'));
});

test('comments, blank lines, tabs, addresses and other alphabets are read', () => {
  const { verifierKey } = cosigner(1);
  const policy = parsePolicy(
    Buffer.from(
      `# größe\n\n \t\n  # indented\n\tlog  ${log.verifierKey}\thttps://log.example/ \n` +
        `witness вітнес ${verifierKey} https://w.example/\nquorum вітнес`,
    ),
  );
  assert.equal(policy.logs[0]?.url, 'https://log.example/');
  assert.equal(policy.witnesses[0]?.url, 'https://w.example/');
  assert.equal(policy.quorum, 'вітнес');
});

test('names are defined once, before their use, and are members once: no cycle can be written', () => {
  const problems: [string, string][] = [
    ['group g all g\nquorum g', 'line 7: a member is not defined above'],
    ['group g all h\ngroup h all g\nquorum g', 'line 7: a member is not defined above'],
    ['group g all w1 w9\nquorum g', 'line 7: a member is not defined above'],
    ['group g all none\nquorum g', 'line 7: a member is not defined above'],
    ['quorum g\ngroup g all w1', 'line 7: the quorum is not defined above'],
    ['quorum w9', 'line 7: the quorum is not defined above'],
    ['group g all w1\ngroup h all w1\nquorum h', 'line 8: a name is a member twice'],
    ['group g 2 w1 w1\nquorum g', 'line 7: a name is a member twice'],
    ['group w1 all w2\nquorum w1', 'line 7: the name is taken'],
    ['group none all w1\nquorum none', 'line 7: the name is taken'],
    ['quorum w1\nquorum w1', 'line 8: there are two quorum lines'],
    ['', 'there is no quorum line'],
  ];
  for (const [rules, problem] of problems) {
    assert.ok(problemOf(`${WITNESSES}${rules}`).includes(problem), rules);
  }
});

test('a key is listed once, under whatever name', () => {
  const { publicKey } = parseVerifierKey(log.verifierKey);
  const again = formatVerifierKey({ name: 'log.example/again', type: 'ed25519', publicKey });
  assert.ok(
    problemOf(`${LOG}log ${again}\nquorum none`).includes('line 2: the key is defined twice'),
  );
  const key = parseVerifierKey(cosigner(1).verifierKey).publicKey;
  const alias = formatVerifierKey({ name: 'alias', type: 'cosignature', publicKey: key });
  const twice = `${WITNESSES}witness w7 ${alias}\nquorum w1`;
  assert.ok(problemOf(twice).includes('line 7: the key is defined twice'));
});

test('lines that are malformed are refused', () => {
  const key = cosigner(1).verifierKey;
  const lines = [
    ...['log', 'log x', `log ${log.verifierKey} url more`, 'witness', 'witness w', 'witness w x'],
    ...[
      `witness none ${key}`,
      `witness w ${key} url more`,
      `witness ${key}`,
      'logs x',
      'Quorum none',
    ],
    ...[
      'group',
      'group g',
      'group g all',
      'group g any',
      'group g 1',
      'group g 0 w1',
      'group g 2 w1',
    ],
    ...[
      'group g 01 w1',
      'group g -1 w1',
      'group g 1.0 w1',
      'group g toString w1',
      'group g All w1',
    ],
    ...[
      'quorum',
      'quorum none none',
      'toString x',
      '\ufefflog x',
      'quorum\u00a0none',
      'quorum none\r',
    ],
    ...['# \u007f', '# \u0001'],
  ];
  for (const line of lines) {
    const bare = line.startsWith('group') ? `witness w1 ${key}\n` : '';
    problemOf(`${bare}${line}\nquorum none`);
  }
  problemOf(Buffer.of(0x23, 0xff));
});

test('a witness may share its name and key bytes with a log: their ids differ', () => {
  const key = parseSigningKey(generateSigningKey(ORIGIN));
  const [asLog, asWitness] = [makeNoteSigner(key), makeCosigner(key, () => TIME)];
  const policy = parsePolicy(
    `log ${asLog.verifierKey}\nwitness w ${asWitness.verifierKey}\nquorum w`,
  );
  const note = signCheckpoint({ origin: ORIGIN, size: 1, root: Buffer.alloc(32) }, [asLog]);
  assert.throws(() => openByPolicy(note, policy), refusal('quorum_not_met'));
});
