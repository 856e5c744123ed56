import { setImmediate as nextTurn } from 'node:timers/promises';
import { VaultError } from '../domain/errors.ts';
import type { Operations, SubjectExport } from './operation.ts';
import type { PersonalRow, PersonKey } from './ports/people-store.ts';
import type { StoredToken } from './ports/token-store.ts';
import { checkAction, type Session } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { openMetadata, openValue } from './steps/sealing.ts';

/** More would be an answer, and events, of many megabytes. */
const MAX_TOKENS = 10_000;
/** Sealed bytes of all of them: they are opened in memory. */
const MAX_BYTES = 32 << 20;
/** Opening rows is work without a pause: other requests get their turn after this many. */
const TURN_ROWS = 64;
const PAGE_ROWS = 1_000;

type HeldValue = SubjectExport['fields'][string][number];

/**
 * Tells everything that is held of a person, in clear. The grant of the action is all that it takes: views,
 * budgets and the rest that binds single reveals do not bind it. Neither does it use up reveals: people may read
 * what is kept of them as often as they ask, and reading must not destroy it. Dead tokens are not told. Each
 * token that is told goes on record first.
 */
export function makeExportSubject(deps: OperationDeps): Operations['exportSubject'] {
  return (call, { subject }) => {
    const about = { action: 'subject.export', items: 0, person: subject } as const;
    return audited(deps, call, about, async (session) => {
      checkAction(session, { action: 'subject.export', items: 1 });
      const { vault, cipher } = session;
      const person = { vaultId: vault.id, digest: cipher.subjectDigest(subject) };
      const rows = (await readRows(deps, person)).sort(byAge);
      const fields = new Map<string, HeldValue[]>();
      for (const [index, { row, isShared }] of rows.entries()) {
        if (index % TURN_ROWS === TURN_ROWS - 1) await nextTurn();
        checkOwner(person, row);
        const name = fieldOf(session, row);
        const held = fields.get(name) ?? [];
        held.push(heldValue(session, row, isShared));
        fields.set(name, held);
      }
      const fates = rows.map(({ row }) => ({ token: row.token, field: fieldOf(session, row) }));
      return { output: { fields: Object.fromEntries(fields) }, fates };
    });
  };
}

/** @throws VaultError `invalid_request` for a person with more tokens than one answer holds */
async function readRows(
  { people }: Pick<OperationDeps, 'people'>,
  person: PersonKey,
): Promise<PersonalRow[]> {
  const rows: PersonalRow[] = [];
  let bytes = 0;
  for (;;) {
    const last = rows.at(-1)?.row;
    const after = last === undefined ? {} : { after: { shard: last.shard, token: last.token } };
    const page = await people.rowsOf({ ...person, ...after, limit: PAGE_ROWS });
    rows.push(...page);
    bytes += page.reduce(
      (sum, { row }) => sum + row.sealed.length + (row.metadata?.length ?? 0),
      0,
    );
    if (rows.length > MAX_TOKENS || bytes > MAX_BYTES) {
      throw new VaultError('invalid_request', {
        problems: [{ path: '/subject', rule: 'max_tokens' }],
      });
    }
    if (page.length < PAGE_ROWS) return rows;
  }
}

function byAge({ row: a }: PersonalRow, { row: b }: PersonalRow): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.token < b.token ? -1 : 1);
}

/**
 * The name that the value was stored under, also when the policy has dropped it since. An instance that has not
 * yet heard of a field tells its number: no name begins with a digit.
 */
function fieldOf({ vault }: Session, { fieldId }: StoredToken): string {
  return vault.fieldNames.get(fieldId) ?? String(fieldId);
}

/**
 * A row that is sealed for one person is told to nobody else, whatever the links in the database say. Rows
 * that people share have no owner: there the links are all there is.
 */
function checkOwner({ digest }: PersonKey, { subject }: StoredToken): void {
  if (subject !== undefined && !subject.digest.equals(digest)) {
    throw new VaultError('internal', { detail: 'a link names the row of another person' });
  }
}

function heldValue(session: Session, row: StoredToken, isShared: boolean): HeldValue {
  // Nobody knows whose it is: the first of those who share the value may have brought it.
  const metadata = isShared ? undefined : openMetadata(session, row);
  return {
    token: row.token,
    value: openValue(session, row),
    createdAt: row.createdAt.toISOString(),
    ...(row.expiresAt === undefined ? {} : { expiresAt: row.expiresAt.toISOString() }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
