import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import type { ImportedToken, ImportResult } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session } from './session.ts';
import { lockSubjects } from './subjects.ts';
import { explainRows, type Facts } from './token-explain.ts';
import { keyArrays, nameOf, toStoredToken } from './token-rows.ts';
import {
  type Attempt,
  freeDeadFingerprint,
  lockOrder,
  removeEnded,
  storeOrExplain,
  untilSettled,
} from './token-writes.ts';
import { type Draft, writeRows } from './write-rows.ts';

/** The rows that an import consists of: the token, and what holds its value's fingerprint. */
type Parts = { row: ImportedToken; token: Draft; alias?: Draft };

const DONE: ImportResult = { kind: 'imported' };

const TAKE_BACK = `
delete from token t
using unnest($1::smallint[], $2::int[], $3::text[]) as i (shard, vault_id, token)
where t.shard = i.shard and t.vault_id = i.vault_id and t.token = i.token`;

/** Stores tokens that were issued elsewhere: one result per row, in order. See `TokenStore.import`. */
export async function importTokens(
  deps: { pool: Pool; clock: Clock },
  rows: readonly ImportedToken[],
): Promise<ImportResult[]> {
  const attempts = await untilCertain(deps, {
    first: () =>
      inTransaction(deps.pool, (session) =>
        storeOrExplain<ImportedToken, ImportResult>(session, rows, { store, explain, done: DONE }),
      ),
    again: (session) => explain(session, rows),
  });
  const results: ImportResult[] = [];
  for (const [index, row] of rows.entries()) {
    // A dead token holds the fingerprint, or the first attempt left no trace.
    results.push(attempts[index] ?? (await untilSettled(deps, (session) => replace(session, row))));
  }
  return results;
}

/** Stores tokens with their aliases, both or neither; those that it stored. */
async function store(
  session: Session,
  rows: readonly ImportedToken[],
): Promise<Set<ImportedToken>> {
  const parts = firstsOf(rows).map(partsOf);
  await lockSubjects(session, rows);
  const written = await writeRows(session, parts.flatMap(draftsOf).toSorted(lockOrder));
  const isWhole = (part: Parts) => draftsOf(part).every((draft) => written.has(draft));
  const whole = parts.filter(isWhole);
  const halves = parts.flatMap((part) => (isWhole(part) ? [] : draftsOf(part)));
  await takeBack(
    session,
    halves.filter((draft) => written.has(draft)),
  );
  const ended = new Set(
    await removeEnded(
      session,
      whole.map(({ token }) => token),
    ),
  );
  return new Set(whole.filter(({ token }) => !ended.has(token)).map(({ row }) => row));
}

/** Of rows that share a token or an alias the first. */
function firstsOf(rows: readonly ImportedToken[]): ImportedToken[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const names = [row, ...(row.alias ? [{ ...row, token: row.alias.token }] : [])].map(nameOf);
    const isFirst = names.every((name) => !seen.has(name));
    for (const name of names) seen.add(name);
    return isFirst;
  });
}

function partsOf(row: ImportedToken): Parts {
  const { alias, ...token } = row;
  if (alias === undefined) return { row, token };
  const { vaultId, fieldId, shard } = row;
  const target = { shard, token: row.token };
  return {
    row,
    token,
    alias: { vaultId, fieldId, sealedForSubject: false, ...alias, target },
  };
}

function draftsOf({ token, alias }: Parts): Draft[] {
  return alias === undefined ? [token] : [token, alias];
}

async function takeBack(session: Session, drafts: readonly Draft[]): Promise<void> {
  if (drafts.length > 0) {
    await session.rows({ name: 'token-take-back', text: TAKE_BACK, values: keyArrays(drafts) });
  }
}

/** One token, after its value's fingerprint was parted from a dead one. */
async function replace(session: Session, row: ImportedToken): Promise<Attempt<ImportResult>> {
  const [explained] = await explain(session, [row]);
  if (explained !== undefined) {
    return explained;
  }
  await lockSubjects(session, [row]);
  if (row.alias !== undefined) {
    await freeDeadFingerprint(session, { ...row, ...row.alias });
  }
  const stored = await store(session, [row]);
  return stored.has(row) ? DONE : undefined;
}

async function explain(
  session: Session,
  rows: readonly ImportedToken[],
): Promise<Attempt<ImportResult>[]> {
  const facts = await explainRows(
    session,
    rows.map(({ alias, ...row }) => (alias === undefined ? row : { ...row, holder: alias })),
  );
  return facts.map(explanation);
}

function explanation(facts: Facts): Attempt<ImportResult> {
  // Our own sealed bytes: an earlier attempt of this very call.
  if (facts.stored) {
    return DONE;
  }
  if (facts.live && facts.same) {
    return { kind: 'same_token', row: toStoredToken(facts) };
  }
  if (facts.used) {
    return { kind: 'token_taken' };
  }
  if (facts.live) {
    return { kind: 'value_known' };
  }
  return facts.gone ? { kind: 'subject_gone' } : undefined;
}
