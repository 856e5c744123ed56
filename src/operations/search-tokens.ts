import { canonicalJson } from '../domain/audit/jcs.ts';
import { VaultError } from '../domain/errors.ts';
import type { Call } from './call.ts';
import type { Operations, SearchInput, SearchOutput } from './operation.ts';
import type { FoundToken } from './ports/token-search.ts';
import { checkAction, decideField, type Session } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { parseInstant } from './steps/instant.ts';
import { permittedField } from './steps/permitted-field.ts';

const DEFAULT_LIMIT = 100;

/**
 * Finds tokens by the tags in their metadata and by when they were made, newest first, without their values.
 * Only fields that the caller may search are looked at. Every token that is found goes on record.
 */
export function makeSearchTokens(deps: OperationDeps): Operations['search'] {
  return (call, input) => {
    const fields = input.field === undefined ? [] : [input.field];
    const about = { action: 'token.search', items: 0, fields } as const;
    return audited(deps, call, about, async (session) => {
      checkAction(session, { action: 'token.search', items: 1 });
      const tags = tagDigests(session, input);
      const output = await findPage(deps, session, { input, tags });
      const fates = output.items.map(({ token, field }) => ({ token, field }));
      return { output, fates, query: queryOnRecord(input, tags) };
    });
  };
}

async function findPage(
  deps: OperationDeps,
  session: Session,
  { input, tags }: { input: SearchInput; tags: readonly Buffer[] },
): Promise<SearchOutput> {
  const { vault, call, cipher } = session;
  const { limit = DEFAULT_LIMIT, cursor, ...criteria } = input;
  const query = queryOf(call, criteria);
  const rows = await deps.search.search({
    vaultId: vault.id,
    fieldIds: searchedFields(session, input.field),
    tags,
    ...periodOf(input),
    ...(cursor === undefined ? {} : { after: cipher.searchCursors.open(query, cursor) }),
    limit,
  });
  const last = rows.at(-1);
  return {
    items: rows.map((row) => itemOf(session, row)),
    ...(last === undefined || rows.length < limit
      ? {}
      : { cursor: cipher.searchCursors.seal(query, last) }),
  };
}

function tagDigests({ cipher }: Session, { tags = {} }: SearchInput): Buffer[] {
  const entries = Object.entries(tags);
  return entries.map(([name, value]) => cipher.digests.tag(name, JSON.stringify(value)));
}

/** Tags could name a person: they stand on record as the keyed digests that the index has of them. */
function queryOnRecord({ from, to, cursor }: SearchInput, tags: readonly Buffer[]) {
  return {
    from,
    to,
    ...(tags.length === 0 ? {} : { tags: tags.map((tag) => `hmac:${tag.toString('base64url')}`) }),
    ...(cursor === undefined ? {} : { continued: true }),
  };
}

/** What a cursor is bound to: who searches, and for what. */
function queryOf({ principal }: Call, criteria: Omit<SearchInput, 'limit' | 'cursor'>): string {
  return canonicalJson({ issuer: principal.issuer, subject: principal.subject, ...criteria });
}

/**
 * The field that is asked for, or all that the caller may search.
 * @throws VaultError `field_unknown`, `forbidden` for a field that is asked for
 */
function searchedFields(session: Session, name: string | undefined): number[] {
  const asked = { action: 'token.search', items: 1 } as const;
  if (name !== undefined) return [permittedField(session, { ...asked, field: name }).fieldId];
  const { policy, fieldIds } = session.vault;
  return [...policy.fields.values()]
    .filter((field) => decideField(session, field, asked).allowed)
    .flatMap((field) => fieldIds.get(field.name) ?? []);
}

function periodOf(input: SearchInput): { from?: Date; to?: Date } {
  const from = input.from === undefined ? undefined : new Date(parseInstant(input.from, '/from'));
  const to = input.to === undefined ? undefined : new Date(parseInstant(input.to, '/to'));
  if (from !== undefined && to !== undefined && to < from) {
    throw new VaultError('invalid_request', { problems: [{ path: '/to', rule: 'before_from' }] });
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function itemOf({ vault }: Session, row: FoundToken): SearchOutput['items'][number] {
  const { token, fieldId, createdAt, expiresAt } = row;
  return {
    token,
    // Only fields of the policy were asked for.
    field: vault.fieldNames.get(fieldId) ?? '',
    createdAt: createdAt.toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
  };
}
