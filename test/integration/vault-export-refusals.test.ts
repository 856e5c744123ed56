import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createExportKey } from '../../src/app/export-key.ts';
import type { Environment } from '../../src/config/load-config.ts';
import { decryptAge, makeAgeEncryption } from '../../src/crypto/age.ts';
import { sha256Hex } from '../../src/crypto/digest.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { withClient } from '../helpers/database.ts';
import { ask, exportTo, openDrill, runCommand } from '../helpers/vault-drill.ts';

let drill: Awaited<ReturnType<typeof openDrill>>;
let file: string;
let lines: string[];

before(async () => {
  drill = await openDrill();
  const source = drill.source.service();
  // More than a page, and more than a chunk of the file format.
  const items = Array.from({ length: 600 }, (_, n) => ({ field: 'name', value: `someone ${n}` }));
  await ask(source, 'all', 'tokenize/batch', { items });
  const named = { field: 'name', value: 'someone', subject: 'someone', metadata: { order: 7 } };
  await ask(source, 'all', 'tokenize', named);
  file = join(drill.folder, 'demo.age');
  const exported = await exportTo(source, file);
  assert.equal(exported.code, 0, exported.err);
  lines = (await openFile()).trimEnd().split('\n');
});
after(() => drill.close());

async function openFile(): Promise<string> {
  const identity = (await readFile(drill.identity, 'utf8')).split('\n')[1] ?? '';
  const bytes = await readFile(file);
  const chunks: Buffer[] = [];
  const source = (async function* () {
    yield bytes;
  })();
  for await (const chunk of decryptAge(source, [identity])) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Encrypts lines to the recipient, as anybody could who knows it. */
async function forge(name: string, forged: readonly string[]): Promise<string> {
  const path = join(drill.folder, name);
  const plain = (async function* () {
    yield Buffer.from(forged.map((line) => `${line}\n`).join(''));
  })();
  const chunks: Buffer[] = [];
  for await (const chunk of makeAgeEncryption([drill.recipient])(plain)) chunks.push(chunk);
  await writeFile(path, Buffer.concat(chunks));
  return path;
}

/** Ends lines as an export of them would. */
function ended(body: readonly string[]): string[] {
  const counts: Record<string, number> = JSON.parse(lines.at(-1) ?? '').counts;
  for (const name of Object.keys(counts)) {
    counts[name] = body.filter((line) => line.startsWith(`{"${name}":`)).length;
  }
  const sha256 = sha256Hex(...body.map((line) => `${line}\n`));
  return [...body, JSON.stringify({ end: true, counts, sha256 })];
}

const restore = (path: string, change: { identity?: string; env?: Environment } = {}) =>
  runCommand(
    ['restore', '--in', path, '--identity', change.identity ?? drill.identity],
    change.env ?? drill.target.env,
  );

/** Rows of the target in every table that a restore writes to. */
async function rowsOfTarget(): Promise<string> {
  const tables = [
    'vault',
    'field',
    'policy_version',
    'key_version',
    'subject',
    'token',
    'tombstone',
  ];
  const counts = tables.map((table) => `(select count(*) from ${table}) as ${table}`);
  const { rows } = await withClient(drill.target.database.ownerUrl, (client) =>
    client.query(`select ${counts.join(', ')}`),
  );
  return JSON.stringify(rows);
}

async function assertRefused(path: string, why: RegExp, change = {}): Promise<void> {
  const earlier = await rowsOfTarget();
  const { code, out, err } = await restore(path, change);
  assert.equal(code, 1, `${out}${err}`);
  assert.match(err, why);
  assert.match(err, /^counterfoil: [^\n]+\n$/);
  assert.equal(await rowsOfTarget(), earlier);
}

test('nobody but the recipient can restore', async () => {
  const identity = join(drill.folder, 'other.identity');
  await createExportKey(identity);
  await assertRefused(file, /not for this identity/, { identity });
  const none = join(drill.folder, 'no.identity');
  await writeFile(none, `# ${drill.recipient}\n`, { mode: 0o600 });
  await assertRefused(file, /no age identity/, { identity: none });
  await chmod(none, 0o640);
  await assertRefused(file, /open to others/, { identity: none });
});

test('a root key that is not the one of the target is refused', async () => {
  const key = join(drill.folder, 'wrong.key');
  await writeFile(key, randomBytes(32), { mode: 0o600 });
  const env = { ...drill.target.env, COUNTERFOIL_KEYRING: `raw-aes:${key}` };
  await assertRefused(file, /another root key/, { env });
});

test('a file that was cut off or altered anywhere leaves nothing behind', async () => {
  const bytes = await readFile(file);
  const path = join(drill.folder, 'damaged.age');
  const header = bytes.indexOf('\n---') + 60;
  for (const length of [0, 10, header, header + 70_000, bytes.length - 1]) {
    await writeFile(path, bytes.subarray(0, length));
    await assertRefused(path, /cut off|no age file|no export/);
  }
  for (const at of [30, header + 20, header + 70_000, bytes.length - 1]) {
    const altered = Buffer.from(bytes);
    altered[at] = altered.readUInt8(at) ^ 1;
    await writeFile(path, altered);
    await assertRefused(path, /altered|no age file|not for this identity/);
  }
  await assertRefused(join(drill.folder, 'nowhere.age'), /Cannot read .*nowhere\.age/);
});

test('lines that are missing, twice, exchanged, or behind the end are refused', async () => {
  const [first = '', ...rest] = lines;
  const row = rest.findIndex((line) => line.startsWith('{"token":'));
  const cases: [string, string[], RegExp][] = [
    ['empty', [], /no export/],
    ['headless', rest, /no export/],
    ['endless', lines.slice(0, -1), /last line is missing/],
    ['shortened', lines.toSpliced(row + 1, 1), /no whole export/],
    ['doubled', lines.toSpliced(row + 1, 0, rest[row] ?? ''), /no whole export|does not fit/],
    ['more', [...lines, first], /no whole export/],
    ['unknown', lines.toSpliced(2, 0, '{"vault":{"id":1}}'), /no whole export/],
    ['malformed', lines.toSpliced(2, 0, '{"token"'), /no whole export/],
  ];
  for (const [name, forged, why] of cases) {
    await assertRefused(await forge(`${name}.age`, forged), why);
  }
});

test('what does not hold together is refused, also when it ends as it should', async () => {
  const [first = '', ...rest] = lines.slice(0, -1);
  const header = JSON.parse(first);
  const changed = (change: object) => ended([JSON.stringify({ ...header, ...change }), ...rest]);
  const { document, hash } = header.policy;
  const cases: [string, string[], RegExp][] = [
    ['release', changed({ schemaVersion: 99 }), /another release/],
    ['renamed', changed({ vault: 'other' }), /policy of another vault/],
    ['policy', changed({ policy: { document: `${document}\n`, hash } }), /another policy/],
    ['format', changed({ format: 'counterfoil/vault-export/v2' }), /no export/],
    ['seal', changed({ sealId: 0 }), /no export/],
    [
      'key',
      ended([first, '{"key":"00","purpose":"seal","version":1,"state":"active"}']),
      /malformed/,
    ],
    [
      'system',
      ended([first, (rest[0] ?? '').replace(/"purpose":"\w+"/, '"purpose":"authority"')]),
      /malformed/,
    ],
    ['row', ended([...lines.slice(0, -1), '{"token":{"shard":999,"token":"x"}}']), /does not fit/],
    ['type', ended([...lines.slice(0, -1), '{"token":{"shard":"many"}}']), /does not fit/],
  ];
  for (const [name, forged, why] of cases) {
    await assertRefused(await forge(`${name}.age`, forged), why);
  }
});

test('an export needs its own grant, and recipients of the operator’s choice', async () => {
  const { service } = drill.source;
  assert.equal((await service().post('all', 'export', {})).body.code, 'forbidden');
  assert.equal((await service().post('nobody', 'export', {})).body.code, 'vault_not_found');
  const { recipient } = drill;
  const own = await service().post('exporter', 'export', { recipient });
  assert.equal(own.body.code, 'invalid_request');
});

test('a vault of that name is never touched, and identities are never overwritten', async () => {
  const restored = await restore(file);
  assert.equal(restored.code, 0, restored.err);
  await assertRefused(file, /There is a vault demo already/);
  const { code, err } = await runCommand(['export-key', 'new', drill.identity], {});
  assert.equal(code, 1);
  assert.match(err, /never overwritten/);
  assert.equal((await stat(drill.identity)).mode & 0o777, 0o600);
});

test('without recipients there are no exports', async () => {
  await drill.target.restart();
  const answer = await drill.target.service().post('exporter', 'export', {});
  assert.equal(answer.body.code, 'invalid_request');
  assert.deepEqual(answer.body.errors, [{ path: '', rule: 'export_recipients_missing' }]);
});
