import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '../../src/cli/run.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { openRetentionLog, type RetentionLog } from '../helpers/retention-log.ts';

const HOSTILE = 'eve\u001b[2J\nshard 2026: who of 9 events';

let retention: RetentionLog;
let folder: string;
before(async () => {
  retention = await openRetentionLog();
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-cli-'));
  // The root key of all test databases.
  await writeFile(join(folder, 'root.key'), Buffer.alloc(32, 7), { mode: 0o600 });
  const who = (subject: string) => ({
    who: { actor: { subject, issuer: 'https://id.test', credential: 'k', mfa: false } },
  });
  await retention.log.append([
    ...Array.from({ length: 300 }, () => sampleEvent()),
    sampleEvent(who(HOSTILE)),
  ]);
  await retention.publish();
});
after(async () => {
  await rm(folder, { recursive: true });
  await retention.close();
});

async function run(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  // As services do: whatever the command writes gets into the tree.
  const code = await retention.operate(() =>
    runCli(['audit', ...args], {
      env: {
        DATABASE_URL: retention.database.serviceUrl,
        COUNTERFOIL_KEYRING: `raw-aes:${join(folder, 'root.key')}`,
      },
      out: (text) => {
        stdout += text;
      },
      err: (text) => {
        stderr += text;
      },
      input: () => assert.fail('these commands ask nothing'),
      catchSignals: () => assert.fail('these commands end by themselves'),
    }),
  );
  return { code, stdout, stderr };
}

const WRONG = [
  [],
  ['--actor', 'a'],
  ['--actor', 'a', '--basis', 'because I say so'],
  ['--actor', '', '--basis', 'gdpr-17'],
  ['--actor', 'a', '--reference', 'R', '--basis', 'gdpr-17'],
  ['--actor', 'a', '--basis', 'gdpr-17', '--before', 'soon'],
  ['--actor', 'a', '--basis', 'gdpr-17', '--vault', 'demo'],
  ['--reference', 'R', '--basis', 'gdpr-17', '--issuer', 'i'],
  ['--month', '2026-13', '--vault', 'demo'],
  ['--month', '2020-01'],
  ['--month', '2020-01', '--vault', 'demo', '--before', '2020-01-01'],
];

for (const args of WRONG) {
  test(`wrong usage changes nothing: erase ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await run('erase', ...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^counterfoil: [^\n]+\n/);
  });
}

for (const args of [
  ['--before', '256'],
  ['--before', '256', '--archive', '/nowhere'],
  ['--before', '256', '--archive', '/nowhere', '--policy-id', 'free text'],
  ['--before', '-1', '--archive', '/nowhere', '--policy-id', 'p'],
]) {
  test(`wrong usage changes nothing: prune ${args.join(' ')}`, async () => {
    assert.equal((await run('prune', ...args)).code, 2);
  });
}

test('erase prints shards, counts and events, what remains, and nothing that a stranger chose', async () => {
  const dry = await run('erase', '--actor', HOSTILE, '--basis', 'gdpr-17', '--dry-run');
  assert.equal(dry.code, 0);
  assert.equal(dry.stdout, 'shard 2026: who of 1 event\nNothing was changed: dry run.\n');
  const { code, stdout } = await run('erase', '--actor', HOSTILE, '--basis', 'gdpr-17');
  assert.equal(code, 0);
  assert.match(stdout, /^shard 2026: who of 1 event, told by [\w-]{22}\nWhat remains: archives, /);
  const again = await run('erase', '--actor', HOSTILE, '--basis', 'gdpr-17', '--json');
  assert.deepEqual(JSON.parse(again.stdout), { dryRun: false, erased: [] });
  const nothing = await run('erase', '--actor', HOSTILE, '--basis', 'gdpr-17');
  assert.equal(nothing.stdout, 'Nothing to erase.\n');
});

test('prune wants --yes, and says as JSON what it did', async () => {
  const archive = await retention.writeArchive();
  const args = ['--before', '300', '--archive', archive, '--policy-id', 'pci-13m'];
  const looked = await run('prune', ...args);
  assert.equal(looked.code, 0);
  assert.match(looked.stdout, /least index 256\narchive [0-9a-f]{64}\nThe archive is complete\./);
  assert.deepEqual(await retention.sql('select min_index::int as at from audit_log'), [{ at: 0 }]);
  const { code, stdout } = await run('prune', ...args, '--yes', '--json');
  const done = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([code, done['confirmed'], done['minIndex']], [0, true, 256]);
  await rm(archive, { recursive: true });
});

test('what cannot be done fails with one line and exit code 1', async () => {
  for (const args of [
    ['erase', '--month', '2020-01', '--vault', 'demo\u001b[2J'],
    ['erase', '--month', '9999-12', '--vault', '_system'],
    ['prune', '--before', '256', '--archive', join(folder, 'none'), '--policy-id', 'p', '--yes'],
    ['prune', '--before', '256', '--archive', folder, '--policy-id', 'p', '--shard', 'x\u001b[2J'],
  ]) {
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^counterfoil: [\x20-\x7e]+\n$/);
  }
});
