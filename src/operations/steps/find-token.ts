import type { Field, TokenMode } from '../../domain/policy/policy.ts';
import { type Soon, whenThere } from '../../domain/soon.ts';
import { isTokenText, sivPrefixOf } from '../../domain/tokens/recognise.ts';
import { shardOf } from '../../domain/tokens/shard.ts';
import type { ReadNotes } from '../ports/token-reads.ts';
import type { StoredToken, TokenKey } from '../ports/token-store.ts';
import type { VolatileToken } from '../ports/volatile-store.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { ff1Codec, sivPrefix } from './issue-vaultless.ts';
import { scopeOf } from './permitted-field.ts';

/** What a token stands for, nothing of it decided or given away yet. */
export type Found = { fieldId: number } & (
  | { kind: 'stored'; key: TokenKey; row: StoredToken }
  | { kind: 'volatile'; key: TokenKey; row: VolatileToken }
  | { kind: 'siv'; value: string }
  | { kind: 'fpe'; token: string; field: Field }
);

/** `named`: the field that the caller takes the token to be of. */
type Ask = { token: string; named: Field | undefined; notes: ReadNotes };

/**
 * Looks for a token where its text says that it can be; where that is does not depend on whether it is there.
 * FF1 has no integrity, so a token of mode `fpe` is one only where its field is named. Malformed, unknown and
 * ended tokens are `undefined`.
 */
export function findToken(
  deps: Pick<OperationDeps, 'reads' | 'volatile' | 'clock'>,
  session: Session,
  ask: Ask,
): Soon<Found | undefined> {
  const { token, named } = ask;
  if (named?.token.mode === 'fpe') return findFpe(session, token, named);
  const prefix = sivPrefixOf(token);
  const isSiv = (field: Field) => sivPrefix(field) === prefix && isOpenedByTokenAlone(field);
  const sealing = prefix === undefined ? [] : fieldsOf(session, ask, 'siv').filter(isSiv);
  return sealing.length > 0 ? findSiv(session, token, sealing) : findKept(deps, session, ask);
}

/** No question about a token names a subject. */
const isOpenedByTokenAlone = ({ scope }: Field): boolean => scope !== 'subject';

/** The fields of a mode that a token may be of. */
function fieldsOf({ vault }: Session, { named }: Ask, mode: TokenMode): Field[] {
  const fields = named === undefined ? [...vault.policy.fields.values()] : [named];
  return fields.filter((field) => field.token.mode === mode);
}

/**
 * A row, stored or volatile. The text reaches a store only when it has the form of a token, and the volatile
 * one only when it has that of one of its own: where volatile fields have prefixes that no stored field has,
 * a token that is missing costs what one costs that the caller may not see.
 */
function findKept(
  deps: Pick<OperationDeps, 'reads' | 'volatile' | 'clock'>,
  session: Session,
  ask: Ask,
): Soon<Found | undefined> {
  const { token, named, notes } = ask;
  if (!isTokenText(token)) return undefined;
  const key = { vaultId: session.vault.id, shard: shardOf(token), token };
  const stored = named?.token.mode === 'volatile' ? undefined : deps.reads.find(key, notes);
  return whenThere(stored, (row) =>
    row === undefined
      ? findVolatile(deps, session, { ...ask, key })
      : { kind: 'stored', fieldId: row.fieldId, key, row },
  );
}

async function findVolatile(
  { volatile, clock }: Pick<OperationDeps, 'volatile' | 'clock'>,
  session: Session,
  ask: Ask & { key: TokenKey },
): Promise<Found | undefined> {
  const { token, key } = ask;
  const canBeVolatile = fieldsOf(session, ask, 'volatile').some((field) =>
    field.token.format.matches(token),
  );
  const row = canBeVolatile ? await volatile.find(key) : undefined;
  // Its store is not trusted: the row is opened as one of this very token, under the times that it names, and
  // has ended when those say so.
  return row === undefined || row.expiresAtMs <= clock.now()
    ? undefined
    : { kind: 'volatile', fieldId: row.fieldId, key, row: { ...row, token } };
}

function findFpe({ vault }: Session, token: string, field: Field): Found | undefined {
  const fieldId = vault.fieldIds.get(field.name);
  const isOpenable = isOpenedByTokenAlone(field) && ff1Codec(field).ofToken(token) !== undefined;
  return fieldId === undefined || !isOpenable ? undefined : { kind: 'fpe', fieldId, token, field };
}

/**
 * Nothing is stored of these: to look one up is to open it. It opens for its own field only, so every field
 * with its prefix is tried. The clear value goes nowhere until the policy has decided.
 */
function findSiv(session: Session, token: string, fields: readonly Field[]): Found | undefined {
  const { vault, cipher } = session;
  for (const field of fields) {
    const fieldId = vault.fieldIds.get(field.name);
    if (fieldId === undefined) continue;
    const place = { fieldId, scope: scopeOf(field, session, undefined), prefix: sivPrefix(field) };
    const value = cipher.vaultless.sivOpen(token, place);
    if (value !== undefined) return { kind: 'siv', fieldId, value };
  }
  return undefined;
}
