import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import { generateSigningKey, makeCosigner, parseSigningKey } from '../../tlog/signing-key.ts';
import { readCheckpointSettings } from './checkpoint-settings.ts';
import { createLogKey } from './log-key.ts';

const root = await mkdtemp(join(tmpdir(), 'checkpoints-'));
after(() => rm(root, { recursive: true }));

test('without settings the keyring signs, a folder remembers, and nobody cosigns', async () => {
  const { audit } = loadConfig({ COUNTERFOIL_DATA_DIR: root }, 'dev');
  const { keySources, heads, witnessing } = await readCheckpointSettings(audit);
  assert.deepEqual(keySources, ['keyring']);
  assert.equal(heads.shared, false);
  assert.equal(await heads.read('log.test/2026'), undefined);
  assert.deepEqual(witnessing.witnesses, []);
  await heads.close();
});

test('key files, a shared memory and a policy are taken from where the settings say', async () => {
  const key = join(root, 'log.key');
  await createLogKey(key, 'log.test');
  const witness = makeCosigner(parseSigningKey(generateSigningKey('w.test')), () => 0);
  const policy = join(root, 'policy');
  await writeFile(policy, `witness w ${witness.verifierKey} https://w.test\nquorum w\n`);
  const { audit } = loadConfig(
    {
      COUNTERFOIL_AUDIT_KEY: `keyring,${key}`,
      COUNTERFOIL_AUDIT_HEAD: 'postgres://nobody@127.0.0.1:1/heads',
      COUNTERFOIL_AUDIT_WITNESSES: policy,
    },
    'dev',
  );
  const { keySources, heads, witnessing } = await readCheckpointSettings(audit);
  assert.equal(keySources.length, 2);
  assert.equal(heads.shared, true);
  assert.deepEqual(
    witnessing.witnesses.map(({ name }) => name),
    ['w'],
  );
  await heads.close();
});

test('a file that is not there stops the start in one line', async () => {
  for (const name of ['COUNTERFOIL_AUDIT_KEY', 'COUNTERFOIL_AUDIT_WITNESSES']) {
    const { audit } = loadConfig({ [name]: join(root, 'missing') }, 'dev');
    await assert.rejects(readCheckpointSettings(audit), { message: /^Cannot read [^\n]+\.$/ });
  }
});
