// The data plane of several instances of the service in this process, on one Postgres and one Redis: what
// `startService` puts together, but for transports and sequencer, with seams where a test can reach in.
import { makeMemoryVolatileStore } from '../../src/adapters/memory/volatile-store.ts';
import { makeAuditWriter } from '../../src/adapters/postgres/audit/writer/writer.ts';
import { makeBudgetStore } from '../../src/adapters/postgres/budgets.ts';
import { makePeopleStore } from '../../src/adapters/postgres/people.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeTokenSearch } from '../../src/adapters/postgres/token-search.ts';
import { makeTokenSweep } from '../../src/adapters/postgres/token-sweep.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { makeErasureJournal } from '../../src/app/erasure-journal.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { startSweeper } from '../../src/app/sweeper.ts';
import { openVaults } from '../../src/app/vaults.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { makeErasureReceiptSigner } from '../../src/crypto/receipt-signer.ts';
import { makeDetokenize } from '../../src/operations/detokenize.ts';
import { makeDetokenizeBatch } from '../../src/operations/detokenize-batch.ts';
import { makeEraseSubject } from '../../src/operations/erase-subject.ts';
import { makeLookup } from '../../src/operations/lookup.ts';
import { type AuditLog, OutdatedBasis } from '../../src/operations/ports/audit-log.ts';
import type { TokenReads } from '../../src/operations/ports/token-reads.ts';
import type { TokenStore } from '../../src/operations/ports/token-store.ts';
import { makeRevoke } from '../../src/operations/revoke.ts';
import { makeBudgets } from '../../src/operations/steps/budget.ts';
import type { OperationDeps } from '../../src/operations/steps/deps.ts';
import { makeTokenize } from '../../src/operations/tokenize.ts';
import { makeSweeperMetrics } from '../../src/telemetry/metrics-sweeper.ts';
import { type Door, makeOperationsDoor } from './cache-doors.ts';
import { realClock as clock } from './clock.ts';
import { openKeysets } from './keysets.ts';
import { makeMemoryJournalStore } from './memory-journal.ts';

/** A vault of which everything stored is cached; role `support` sees one view. */
const policy = (supportView: 'masked' | 'hidden', vault = 'demo') => `apiVersion: counterfoil/v1
vault: ${vault}
purposes: [support-ticket]
fields:
  email:
    class: direct
    type: email
    token: { mode: deterministic, prefix: eml }
    views: { masked: { mask: email }, hidden: { mask: redact } }
  name:
    class: direct
    type: text
    token: { mode: random, prefix: name }
    views: { masked: { mask: redact }, hidden: { mask: redact } }
roles:
  app:
    - { allow: [tokenize, lookup, token.revoke], fields: "*" }
  support:
    - { allow: [detokenize], fields: "*", views: [${supportView}], require: { purpose: true } }
  supervisor:
    - { allow: [detokenize], fields: "*", views: "*", require: { purpose: true, mfa: true } }
  privacy:
    - { allow: [subject.erase] }
`;

export const CACHED_POLICY = policy('masked');
/** Another vault beside it. */
export const OTHER_POLICY = policy('masked', 'other');
/** The same vault, where `support` no longer sees the view `masked`. */
export const NARROWED_POLICY = policy('hidden');

/** No sequencer takes the events: that is not what these tests are about. */
const HOUR_MS = 3_600_000;
const UNSEQUENCED = { maxAgeMs: HOUR_MS, alarmAfterMs: HOUR_MS, missingAfterMs: HOUR_MS };
/** Expired rows go at once. */
const SWEEP_EVERY_MS = 200;

/** One instance. */
export type CacheInstance = {
  door: Door;
  /** The vault of `OTHER_POLICY`, where there is one. */
  otherDoor: Door;
  /** Ids of the events whose answers were withheld, and how much of what was over then. */
  withheld: { eventId: string; policies: number; cached: number }[];
  close(): Promise<void>;
};

/** The parts of an instance that a test may replace, each by what it makes of the real one. */
export type Seams = {
  audit?: (audit: AuditLog) => AuditLog;
  tokens?: (tokens: TokenStore) => TokenStore;
};

/** Opens the caches of one instance in front of its store. */
export type OpenReads = (parts: {
  store: TokenStore;
  keysets: Keysets;
}) => Promise<{ reads: TokenReads; close(): Promise<void> }>;

/** Starts one instance on a migrated database. It answers as soon as this resolves. */
export async function openCacheInstance(options: {
  databaseUrl: string;
  openReads: OpenReads;
  documents?: readonly string[];
  seams?: Seams;
}): Promise<CacheInstance> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    return { ...(await assemble(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Adds what is to be closed, in reverse order, to `closers`. */
async function assemble(
  options: Parameters<typeof openCacheInstance>[0],
  closers: (() => Promise<unknown>)[],
): Promise<Omit<CacheInstance, 'close'>> {
  const { databaseUrl, openReads, documents = [CACHED_POLICY], seams = {} } = options;
  const pool = makePool({ connectionString: databaseUrl, max: 8, name: 'test-requests' });
  closers.push(() => pool.end());
  const keysets = await openKeysets(pool);
  closers.push(keysets.close);
  const log = openLog(databaseUrl, keysets);
  closers.push(log.close);
  const database = { pool, clock };
  const logger = { info: () => {}, warn: () => {} };
  const vaults = await openVaults(
    { database, keysets, audit: log.writer, vaultIds: log.vaultIds, logger },
    documents.map(readPolicy),
  );
  const { audit: changeAudit = same, tokens: changeTokens = same } = seams;
  const withheld: CacheInstance['withheld'] = [];
  const tokens = changeTokens(makeTokenStore({ ...database, random: randomBytes }));
  const caches = await openReads({ store: tokens, keysets });
  closers.push(caches.close);
  const deps: OperationDeps = {
    vaults,
    keys: keysets,
    tokens,
    reads: caches.reads,
    search: makeTokenSearch({ pool }),
    people: makePeopleStore(database),
    journal: makeErasureJournal({ store: makeMemoryJournalStore(), keysets }),
    receipts: makeErasureReceiptSigner({ keysets, origin: 'log.test/audit' }),
    volatile: makeMemoryVolatileStore({ clock }),
    budgets: makeBudgets({ store: makeBudgetStore(database), clock }),
    audit: changeAudit(countWithheld(log.writer, withheld)),
    clock,
    random: randomBytes,
  };
  const sweeping = { sweep: makeTokenSweep({ pool }), keys: keysets, random: randomBytes, clock };
  const metrics = makeSweeperMetrics([]);
  const timing = { intervalMs: SWEEP_EVERY_MS };
  closers.push(startSweeper({ ...sweeping, ...timing, metrics, logger }).close);
  return { ...doorsOf(deps), withheld };
}

const same = <Part>(part: Part): Part => part;

function openLog(databaseUrl: string, keysets: Keysets) {
  const pool = makePool({ connectionString: databaseUrl, max: 3, name: 'test-audit' });
  const vaultIds = new Map<string, number>();
  const writer = makeAuditWriter({
    pool,
    clock,
    keysets,
    random: randomBytes,
    vaultIdOf: (name) => vaultIds.get(name),
    logId: 1,
    limits: UNSEQUENCED,
  });
  const close = async () => {
    await writer.close(10_000).catch(() => {});
    await pool.end();
  };
  return { writer, vaultIds, close };
}

function doorsOf(deps: OperationDeps): Pick<CacheInstance, 'door' | 'otherDoor'> {
  const operations = {
    tokenize: makeTokenize(deps),
    lookup: makeLookup(deps),
    detokenize: makeDetokenize(deps),
    detokenizeBatch: makeDetokenizeBatch(deps),
    revoke: makeRevoke(deps),
    eraseSubject: makeEraseSubject(deps),
  };
  return {
    door: makeOperationsDoor(operations, 'demo'),
    otherDoor: makeOperationsDoor(operations, 'other'),
  };
}

/** Takes down what the log says is over. */
function countWithheld(log: AuditLog, withheld: CacheInstance['withheld']): AuditLog {
  return {
    append: (event, basis) =>
      log.append(event, basis).catch((error: unknown) => {
        if (error instanceof OutdatedBasis) {
          const { policies, cached } = error.over;
          const { eventId } = error;
          withheld.push({ eventId, policies: policies.length, cached: cached.length });
        }
        throw error;
      }),
  };
}
