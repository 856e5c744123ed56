import { userInfo } from 'node:os';
import type { Pool } from 'pg';
import { makeAuditReader } from '../../adapters/postgres/audit/reader/reader.ts';
import { untilIntegrated } from '../../adapters/postgres/audit/retention/integrated.ts';
import { makeAuditWriter } from '../../adapters/postgres/audit/writer/writer.ts';
import { makeWrappedKeyStore } from '../../adapters/postgres/keys.ts';
import { loadVaults } from '../../adapters/postgres/vaults.ts';
import type { Keysets } from '../../crypto/keysets.ts';
import { randomBytes } from '../../crypto/random.ts';
import { SYSTEM_VAULT_ID, type WrappedKeyStore } from '../../crypto/wrapped-key.ts';
import type { AuditEvent } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import type { AuditReader } from '../../operations/ports/audit-reader.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { systemClock } from '../system-clock.ts';

/** There is one log; its shards are the sequencer's business. */
const LOG_ID = 1;
const INTEGRATED_WITHIN_MS = 30_000;
const CLOSE_WITHIN_MS = 5_000;

/** What an operator did, without who did it. */
type Deed = {
  operation: 'audit.erase' | 'audit.prune' | 'key.destroy' | 'vault.create' | 'vault.restore';
  attributes: NonNullable<AuditEvent['attributes']>;
  vault?: string;
  /** A ticket, say: sealed, not in the leaf. */
  reference?: string | undefined;
};

/**
 * Someone with the root key and the service's role in the database, who takes something from the log
 * (AUDIT-LOG §4.8, §4.9). What they do is told by the log first.
 */
export type Operator = {
  pool: Pool;
  keysets: Keysets;
  keys: WrappedKeyStore;
  reader: AuditReader;
  clock: Clock;
  /** Ids of all vaults by name, `_system` among them. */
  vaultIds: ReadonlyMap<string, number>;
  /** Waits until all that is durable by now is in the tree: only there can it be found. */
  settle(): Promise<void>;
  /** Writes an event; durable when it resolves to its id. */
  note(deed: Deed): Promise<string>;
  /** Writes an event and waits until its leaf is in the tree; its id. Then the deed may be done. */
  tell(deed: Deed): Promise<string>;
};

type OperatorDeps = {
  pool: Pool;
  keysets: Keysets;
  clock?: Clock;
  /** How long running services get to put events into the tree. */
  withinMs?: number;
};

/** Runs an operator's work, with an audit writer of its own that is closed afterwards. */
export async function withOperator<T>(
  deps: OperatorDeps,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { pool, keysets, clock = systemClock, withinMs = INTEGRATED_WITHIN_MS } = deps;
  const vaults = await loadVaults({ pool, clock });
  const vaultIds = new Map([['_system', SYSTEM_VAULT_ID], ...vaults.map(pairOf)]);
  const vaultIdOf = (name: string) => vaultIds.get(name);
  const writer = makeAuditWriter({
    ...{ pool, clock, keysets, vaultIdOf },
    random: randomBytes,
    logId: LOG_ID,
  });
  const settle = async () => {
    if (!(await untilIntegrated({ pool, clock }, withinMs))) throw notIntegrated();
  };
  const note = async (deed: Deed) => (await writer.append(eventOf(deed))).eventId;
  const tell = async (deed: Deed) => {
    const eventId = await note(deed);
    // A crash from here on leaves an event of something that did not happen; the next run does it, and
    // tells of it again.
    await settle();
    return eventId;
  };
  const keys = makeWrappedKeyStore({ pool, clock });
  const reader = makeAuditReader({ pool });
  try {
    return await work({ pool, keysets, keys, reader, clock, vaultIds, settle, note, tell });
  } finally {
    await writer.close(CLOSE_WITHIN_MS);
  }
}

const pairOf = ({ name, id }: { name: string; id: number }): [string, number] => [name, id];

function eventOf({ operation, attributes, vault, reference }: Deed): AuditEvent {
  return {
    operation,
    outcome: 'allow',
    status: 200,
    items: 0,
    attributes,
    ...(vault !== undefined && { vault }),
    who: {
      actor: {
        subject: `operator:${osUser()}`,
        issuer: 'counterfoil-cli',
        credential: 'keyring',
        mfa: false,
      },
    },
    what: reference === undefined ? {} : { reference },
  };
}

/** Containers may run under an id that has no name. */
function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

function notIntegrated(): VaultError {
  return new VaultError('audit_unavailable', {
    detail:
      'The log has events that are not in the tree yet. Running services put them there: see that one runs, then run this command again. Nothing was taken from the log by this step.',
  });
}
