import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTokenReads } from '../../src/adapters/cache/token-reads.ts';
import { makeMemoryAuditLog } from '../../src/adapters/memory/audit-log.ts';
import { makeMemoryBudgetStore } from '../../src/adapters/memory/budget-store.ts';
import { makeMemoryPeopleStore } from '../../src/adapters/memory/people-store.ts';
import { makeMemoryTokenSearch } from '../../src/adapters/memory/token-search.ts';
import { makeMemoryTokenStore } from '../../src/adapters/memory/token-store.ts';
import { makeTokenTables } from '../../src/adapters/memory/token-tables.ts';
import { makeMemoryVolatileStore } from '../../src/adapters/memory/volatile-store.ts';
import { makeErasureJournal } from '../../src/app/erasure-journal.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { makeAuthority } from '../../src/crypto/authority.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { makeErasureReceiptSigner } from '../../src/crypto/receipt-signer.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import { makeVaultCipher } from '../../src/crypto/vault-cipher.ts';
import type { VaultError } from '../../src/domain/errors.ts';
import type { Call } from '../../src/operations/call.ts';
import { makeEntryReads } from '../../src/operations/entry-reads.ts';
import { makeOperations } from '../../src/operations/make-operations.ts';
import type { Vault } from '../../src/operations/ports/vault-registry.ts';
import { makeBudgets } from '../../src/operations/steps/budget.ts';
import { makeMemoryJournalStore } from './memory-journal.ts';
import { makeMemoryLog } from './memory-log.ts';

export const DEMO_POLICY = join(import.meta.dirname, '../../examples/policies/demo.yaml');

/** The demo policy without its budget: for tests that reveal more than a thousand tokens. */
export function readUnbudgetedPolicy(): string {
  return readFileSync(DEMO_POLICY, 'utf8').replace(/^ +budget: .*\n/m, '');
}

const oneKey = () => ({ active: 1, readable: new Map([[1, SecretKey.take(randomBytes(32))]]) });

/**
 * The operations over memory, with the demo vault and real cryptography; `more` are policies of vaults beside
 * it. Time stands still until `advance`.
 */
export function makeTestOperations(
  policyText = readFileSync(DEMO_POLICY, 'utf8'),
  more: readonly string[] = [],
) {
  let nowMs = Date.UTC(2026, 0, 15, 12);
  const slept: number[] = [];
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async (ms: number) => {
      slept.push(ms);
    },
  };
  const opened = [policyText, ...more].map((text, index) => openVault(text, index + 1));
  const [{ vault, cipher } = openVault(policyText, 1)] = opened;
  const find = (name: string) => opened.find(({ vault: { name: other } }) => other === name);
  const tables = makeTokenTables();
  const tokens = makeMemoryTokenStore(clock, tables);
  const audit = makeMemoryAuditLog();
  const log = makeMemoryLog({ audit, clock, vaultIdOf: (name) => find(name)?.vault.id ?? 0 });
  const journalStore = makeMemoryJournalStore();
  const authority = makeAuthority(SecretKey.take(randomBytes(32)));
  const logSign = SecretKey.take(randomBytes(32));
  const deps = {
    vaults: {
      find: (name: string) => find(name)?.vault,
      all: () => opened.map((one) => one.vault),
      refresh: async () => {},
    },
    keys: {
      cipherOf: async (id: number) => opened.find((one) => one.vault.id === id)?.cipher ?? cipher,
    },
    tokens,
    reads: makeTokenReads({ store: tokens, clock, maxBytes: 0 }),
    search: makeMemoryTokenSearch(clock, tables),
    people: makeMemoryPeopleStore(clock, tables),
    journal: makeErasureJournal({
      store: journalStore,
      keysets: { authority: async () => authority },
    }),
    receipts: makeErasureReceiptSigner({
      keysets: { logSign: async () => logSign },
      origin: 'log.test/audit',
    }),
    volatile: makeMemoryVolatileStore({ clock }),
    budgets: makeBudgets({ store: makeMemoryBudgetStore(clock), clock }),
    audit: log.audit,
    reader: log.reader,
    progress: log.progress,
    auditKeys: log.auditKeys,
    vkeysOf: log.vkeysOf,
    version: '0.0.0-test',
    entryReads: makeEntryReads({ audit: log.audit, clock }),
    clock,
    random: randomBytes,
    authFailed: () => {},
    exporting: undefined,
  };
  return {
    operations: makeOperations(deps),
    deps,
    audit,
    log,
    tokens,
    journalStore,
    cipher,
    vault,
    slept,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

function openVault(policyText: string, id: number) {
  const { policy } = readPolicy(policyText);
  const names = [...policy.fields.keys()];
  const vault: Vault = {
    id,
    name: policy.vault,
    policy,
    policyRef: '1:test',
    policyVersion: 1,
    fieldIds: new Map(names.map((name, index) => [name, index + 1])),
    fieldNames: new Map(names.map((name, index) => [index + 1, name])),
  };
  const cipher = makeVaultCipher({
    vaultId: id,
    keys: {
      seal: oneKey(),
      fingerprint: oneKey(),
      placement: oneKey(),
      join: oneKey(),
      fpe: oneKey(),
      siv: oneKey(),
      idempotency: oneKey(),
    },
  });
  return { vault, cipher };
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
