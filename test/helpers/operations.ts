import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeMemoryAuditLog } from '../../src/adapters/memory/audit-log.ts';
import { makeMemoryTokenStore } from '../../src/adapters/memory/token-store.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import { makeVaultCipher } from '../../src/crypto/vault-cipher.ts';
import type { VaultError } from '../../src/domain/errors.ts';
import { makeOperations } from '../../src/operations/make-operations.ts';
import type { Call } from '../../src/operations/operation.ts';
import type { Vault } from '../../src/operations/ports/vault-registry.ts';

export const DEMO_POLICY = join(import.meta.dirname, '../../examples/policies/demo.yaml');

const oneKey = () => ({ active: 1, readable: new Map([[1, SecretKey.take(randomBytes(32))]]) });

/** The operations over memory, with the demo vault and real cryptography. Time stands still until `advance`. */
export function makeTestOperations(policyText = readFileSync(DEMO_POLICY, 'utf8')) {
  let nowMs = Date.UTC(2026, 0, 15, 12);
  const slept: number[] = [];
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async (ms: number) => {
      slept.push(ms);
    },
  };
  const { policy } = readPolicy(policyText);
  const names = [...policy.fields.keys()];
  const vault: Vault = {
    id: 1,
    name: policy.vault,
    policy,
    policyRef: '1:test',
    fieldIds: new Map(names.map((name, index) => [name, index + 1])),
    fieldNames: new Map(names.map((name, index) => [index + 1, name])),
  };
  const cipher = makeVaultCipher({
    vaultId: vault.id,
    keys: { seal: oneKey(), fingerprint: oneKey(), placement: oneKey(), join: oneKey() },
  });
  const tokens = makeMemoryTokenStore(clock);
  const audit = makeMemoryAuditLog();
  const deps = {
    vaults: { find: (name: string) => (name === vault.name ? vault : undefined) },
    keys: { cipherOf: async () => cipher },
    tokens,
    audit,
    clock,
    random: randomBytes,
    authFailed: () => {},
  };
  return {
    operations: makeOperations(deps),
    deps,
    audit,
    tokens,
    cipher,
    vault,
    slept,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** A call of a demo role. */
export function callAs(role: string, more: Partial<Call['principal']> = {}): Call {
  return {
    principal: {
      subject: `test-${role}`,
      issuer: 'https://issuer.test',
      roles: [role],
      vaults: ['demo'],
      mfa: role === 'supervisor',
      credential: 'jwt:test',
      ...more,
    },
    source: { ip: '127.0.0.1' },
    requestId: 'request-1',
    vault: 'demo',
  };
}

/** Runs what must fail and gives its error. */
export async function failureOf(work: Promise<unknown>): Promise<VaultError> {
  try {
    await work;
  } catch (error) {
    return error as VaultError;
  }
  throw new Error('it did not fail');
}
