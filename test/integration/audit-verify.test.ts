// The command as an auditor runs it: a folder, a web server, a receipt; no database, no service.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '../../src/cli/run.ts';
import { formatReceipt } from '../../src/tlog/receipt.ts';
import type { Report } from '../../src/verify/report.ts';
import { openContext } from '../helpers/cli-context.ts';
import { sampleLog } from '../helpers/sample-log.ts';
import { makeStaticLog } from '../helpers/static-log.ts';
import { makeMemoryLog } from '../helpers/tlog.ts';

const log = sampleLog(600);
const { files, entries, checkpoint } = log.export();

let root: string;
let policy: string;
let exported: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'counterfoil-verify-'));
  policy = await save('policy', log.policy);
  exported = join(root, 'export');
  for (const [path, bytes] of files) await save(`export/${path}`, bytes);
});
after(() => rm(root, { recursive: true }));

async function save(name: string, content: string | Buffer): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** Runs `audit verify`; by default without any service in reach. */
async function verify(args: string[], env: Record<string, string> = {}) {
  const context = openContext('unused');
  const code = await runCli(['audit', 'verify', ...args], {
    ...context,
    env: { COUNTERFOIL_DATA_DIR: join(root, 'no-data'), ...env },
  });
  return { code, ...context.printed };
}

test('a folder is verified offline; what was checked, what was not, and what was erased is printed', async () => {
  const { code, out, err } = await verify([exported, '--policy', policy]);
  assert.equal(code, 0, err);
  assert.match(out, /^log\.test\/audit\/2026 {2}600 entries, active$/m);
  assert.match(out, /^ {2}ok {6}entries +600 entries against their hashes$/m);
  assert.match(out, /not checked: the policy asks for no witness/);
  assert.match(out, /not checked: no older checkpoint was given/);
  assert.match(out, /^erased: 3 disclosures of who, by leaf #\d+$/m);
  assert.match(out, /The log is whole/);
});

test('with --since the past is compared, too', async () => {
  const since = await save('since', checkpoint);
  const { code, out } = await verify([exported, '--policy', policy, '--since', since]);
  assert.equal(code, 0);
  assert.doesNotMatch(out, /no older checkpoint/);
  const other = await save('other', makeStaticLog({ signer: log.signer }).export().checkpoint);
  const forked = await verify([exported, '--policy', policy, '--since', other]);
  assert.equal(forked.code, 1);
  assert.match(forked.out, /FAILED {2}history_changed/);
});

test('what is wrong is named with its place, and the command fails', async () => {
  const path = 'tile/entries/001';
  const bytes = Buffer.from(files.get(path) ?? '');
  bytes[100] = 0x41;
  await save('altered/tile/entries/001', bytes);
  for (const [name, content] of files) if (name !== path) await save(`altered/${name}`, content);
  const { code, out } = await verify([join(root, 'altered'), '--policy', policy]);
  assert.equal(code, 1);
  assert.match(out, /^FAILED {2}entry_wrong \(1\): .*: entry 256$/m);
  assert.match(out, /NOT what it must be/);
  const json = await verify([join(root, 'altered'), '--policy', policy, '--json']);
  const { findings } = JSON.parse(json.out) as Report;
  assert.ok(findings.some(({ kind, at }) => kind === 'entry_wrong' && at[0] === 'entry 256'));
});

test('a log cannot steer the terminal of who verifies it', async () => {
  const hostile = makeStaticLog();
  hostile.own('audit.gap', { boot: '\u001b[2J\u202e', from: 0, to: 3, why: 'missing' });
  for (const [name, content] of hostile.export().files) await save(`hostile/${name}`, content);
  const own = await save('hostile.policy', hostile.policy);
  const { code, out } = await verify([join(root, 'hostile'), '--policy', own]);
  assert.equal(code, 1);
  assert.match(out, /^ALARM {2}gap \(4\)/m);
  assert.match(out, /says itself that events are MISSING/);
  assert.doesNotMatch(out, /[^\x20-\x7e\n]/);
});

async function serve(
  content: ReadonlyMap<string, Buffer>,
  token?: string,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace('/log/', '');
    const isRefused =
      token !== undefined &&
      path.startsWith('tile/entries/') !== (request.headers.authorization === `Bearer ${token}`);
    const bytes = content.get(path);
    response.statusCode = isRefused ? 401 : bytes === undefined ? 404 : 200;
    response.end(response.statusCode === 200 ? bytes : '');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/log` };
}

test('a served log is verified by its URL; the token goes to its entries, and nowhere else', async () => {
  const { server, url } = await serve(files, 'secret-1');
  const { code, out, err } = await verify([`${url}/`, '--policy', policy], {
    COUNTERFOIL_TOKEN: 'secret-1',
  });
  assert.equal(code, 0, err);
  assert.match(out, /not checked: this source offers no disclosures/);
  const refused = await verify([url, '--policy', policy]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /status 401: entries need a token/);
  const elsewhere = await verify([url, '--policy', policy], {
    COUNTERFOIL_TOKEN: 'secret-1',
    COUNTERFOIL_URL: 'https://vault.example',
  });
  assert.match(elsewhere.err, /status 401/);
  server.close();
});

test('a token is not sent without TLS, and a server that is away is one line', async () => {
  const plain = await verify(['http://vault.example/log', '--policy', policy], {
    COUNTERFOIL_TOKEN: 'secret-1',
  });
  assert.equal(plain.code, 1);
  assert.match(plain.err, /not sent without TLS/);
  const { server, url } = await serve(files);
  server.close();
  const away = await verify([url, '--policy', policy]);
  assert.equal(away.code, 1);
  assert.match(
    away.err,
    /^counterfoil: http:\/\/127\.0\.0\.1:\d+\/log cannot be reached \(\w+\)\.\n$/,
  );
});

test('a receipt is verified offline, and says what the event was', async () => {
  const index = 20;
  const proof = await makeMemoryLog(entries).proverAt(entries.length).inclusion(index);
  const { who, what } = log.disclosures.get(index) ?? {};
  const leaf = String(entries[index]);
  const extra = Buffer.from(JSON.stringify({ leaf, disclosures: [who, what].filter(Boolean) }));
  const receipt = formatReceipt({ index, proof, checkpoint, extra });
  const path = await save('event.tlog-proof', receipt);
  const good = await verify([path, '--policy', policy]);
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^ok {2}entry 20 of log\.test\/audit\/2026 \(tree of 600\)$/m);
  const forged = await save('forged.tlog-proof', receipt.replace('index 20', 'index 21'));
  const bad = await verify([forged, '--policy', policy]);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /FAILED {2}proof_refused/);
});

test('a command line that makes no sense is told apart from a log that does not hold', async () => {
  for (const args of [
    [],
    [exported],
    [exported, 'more', '--policy', policy],
    [exported, '--policy', join(exported, 'checkpoint')],
  ]) {
    assert.equal((await verify(args)).code, 2, args.join(' '));
  }
  const tar = await save('export.tar', Buffer.from(`${'checkpoint'.padEnd(257, '\0')}ustar`));
  const packed = await verify([tar, '--policy', policy]);
  assert.equal(packed.code, 2);
  assert.match(packed.err, /export\.tar is a tar file: unpack it/);
  const missing = await verify([join(root, 'nowhere'), '--policy', policy]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /Cannot read .*nowhere/);
});
