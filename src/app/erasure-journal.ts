import { join, resolve } from 'node:path';
import { makeFileJournalStore } from '../adapters/file/erasure-journal.ts';
import { makePostgresJournalStore } from '../adapters/postgres/erasure-journal.ts';
import type { Config } from '../config/load-config.ts';
import type { Keysets } from '../crypto/keysets.ts';
import { VaultError } from '../domain/errors.ts';
import type { ErasureJournal, JournalStore } from '../operations/ports/erasure-journal.ts';
import type { Erasure } from '../operations/ports/people-store.ts';

/** `<vault>.<milliseconds>.<digest of the person, hex>`. */
const NAME = /^([1-9]\d{0,9})\.(0|[1-9]\d{0,14})\.([0-9a-f]{64})$/;

/** The kind of its MACs. */
const KIND = 'erasure';

/** The journal's place: beside what is remembered of the audit log, which no backup takes back either. */
export function openJournalStore(head: Config['audit']['head']): JournalStore {
  return head.kind === 'folder'
    ? makeFileJournalStore(join(resolve(head.path), 'erasures'))
    : makePostgresJournalStore(head.url.reveal());
}

/**
 * The journal over its entries. An entry's name says who was erased, and when; its text is the MAC of that, so
 * that nobody can have somebody erased by writing a file. Entries never change: each is checked once.
 */
export function makeErasureJournal(deps: {
  store: JournalStore;
  keysets: Pick<Keysets, 'authority'>;
}): ErasureJournal {
  const { keysets } = deps;
  const store = namingItsPlace(deps.store);
  let known = new Map<string, Erasure>();

  const fieldsOf = ({ vaultId, atMs, digest }: Erasure) => [vaultId, atMs, digest];
  const check = async (name: string, text: string): Promise<Erasure | undefined> => {
    const erasure = parseName(name);
    const mac = Buffer.from(text, 'hex');
    if (erasure === undefined || text !== textOf(mac)) return undefined;
    const authority = await keysets.authority();
    return authority.verify(KIND, fieldsOf(erasure), mac) ? erasure : undefined;
  };

  return {
    async note(erasure) {
      const authority = await keysets.authority();
      const name = nameOf(erasure);
      const text = textOf(authority.mac(KIND, fieldsOf(erasure)));
      await store.add(name, text);
      // What somebody else had put there stays, and would be believed by nobody.
      if ((await store.read([name])).get(name) !== text) {
        const detail = 'the journal of erasures has another entry in this one’s place';
        throw new VaultError('internal', { detail });
      }
    },

    async all() {
      const names = await store.names();
      const texts = await store.read(names.filter((name) => !known.has(name)));
      const found = new Map<string, Erasure>();
      const altered: string[] = [];
      for (const name of names) {
        const text = texts.get(name);
        const erasure = text === undefined ? known.get(name) : await check(name, text);
        if (erasure !== undefined) found.set(name, erasure);
        else if (text !== undefined) altered.push(name);
      }
      known = found;
      return { erasures: [...found.values()].sort((a, b) => a.atMs - b.atMs), altered };
    },
  };
}

function nameOf({ vaultId, atMs, digest }: Erasure): string {
  return `${vaultId}.${atMs}.${digest.toString('hex')}`;
}

function parseName(name: string): Erasure | undefined {
  const [, vaultId, atMs, digest] = NAME.exec(name) ?? [];
  return digest === undefined
    ? undefined
    : { vaultId: Number(vaultId), atMs: Number(atMs), digest: Buffer.from(digest, 'hex') };
}

function textOf(mac: Buffer): string {
  return `${mac.toString('hex')}\n`;
}

/** A line for the operator, who would look for the fault at the database of the service. */
function namingItsPlace(store: JournalStore): Omit<JournalStore, 'close'> {
  const named = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      const detail =
        'The journal of erasures cannot be read or written: look at COUNTERFOIL_AUDIT_HEAD.';
      throw new VaultError('store_unavailable', { detail, cause });
    }
  };
  return {
    add: (name, text) => named(store.add(name, text)),
    names: () => named(store.names()),
    read: (names) => named(store.read(names)),
  };
}
