import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load-config.ts';

const SERVE = {
  DATABASE_URL: 'postgres://counterfoil_app:hunter2@db.example.com/counterfoil',
  COUNTERFOIL_KEYRING: 'raw-aes:/keys/root.key',
  COUNTERFOIL_OIDC_ISSUER: 'https://login.example.com/',
  COUNTERFOIL_OIDC_AUDIENCE: 'counterfoil',
};

test('the head of the audit log is remembered beside the data, or where it is said', () => {
  const { audit } = loadConfig({ COUNTERFOIL_DATA_DIR: '/data' }, 'dev');
  assert.deepEqual(audit.head, { kind: 'folder', path: '/data/audit-head' });
  assert.deepEqual(audit.keys, [{ kind: 'keyring', isRetired: false }]);
  const { keys } = loadConfig({ COUNTERFOIL_AUDIT_KEY: '/new,retired:/old' }, 'dev').audit;
  assert.deepEqual(keys, [
    { kind: 'file', path: '/new', isRetired: false },
    { kind: 'file', path: '/old', isRetired: true },
  ]);
  const url = 'postgres://x:hunter2@heads.example.com/counterfoil';
  const { head } = loadConfig({ ...SERVE, COUNTERFOIL_AUDIT_HEAD: url }, 'serve').audit;
  assert(head.kind === 'postgres');
  assert.equal(head.url.reveal(), url);
  assert(!JSON.stringify(head).includes('hunter2'));
});
