import type { IdempotentAnswer, NewToken } from '../../operations/ports/token-store.ts';
import { bigints, byteas, ints } from './binary-arrays.ts';
import type { Session } from './session.ts';

type AnswerKey = { vaultId: number; key: Buffer };

/** A row that is inserted under an idempotency key. */
type Idempotent = NewToken & { idempotency: IdempotentAnswer };

/** An answer older than this is as good as none: its key may be used anew. */
export const ANSWER_LIFE = `interval '24 hours'`;

// Sorted: callers of the same keys wait for each other, and one of them replays.
const CLAIM = `
insert into idempotency as kept (vault_id, key, body, answer, subject_id)
select * from unnest($1::int[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[])
  as c (vault_id, key, body, answer, subject_id)
order by c.vault_id, c.key
on conflict (vault_id, key) do update
set body = excluded.body, answer = excluded.answer, subject_id = excluded.subject_id,
  created_at = excluded.created_at
where kept.created_at <= statement_timestamp() - ${ANSWER_LIFE}
returning kept.vault_id, kept.key`;

const RELEASE = `
delete from idempotency kept using unnest($1::int[], $2::bytea[]) as c (vault_id, key)
where kept.vault_id = c.vault_id and kept.key = c.key`;

const READ = `
select wanted.ord::int, kept.key, kept.body, kept.answer
from unnest($1::int[], $2::bytea[]) with ordinality as wanted (vault_id, key, ord)
cross join lateral (
  select * from idempotency o where o.vault_id = wanted.vault_id and o.key = wanted.key
  offset 0
) kept
where kept.created_at > statement_timestamp() - ${ANSWER_LIFE}`;

/**
 * Claims the idempotency keys of rows about to be inserted, in the same transaction. Those that may go
 * on: rows that got theirs, the first of each key, and rows without one. Waits for whoever else is
 * claiming the same keys.
 */
export async function claimAnswers<Row extends NewToken>(
  session: Session,
  rows: readonly Row[],
): Promise<Row[]> {
  const claims = new Map<string, Idempotent>();
  for (const row of rows.filter(isIdempotent)) {
    const name = claimOf(row);
    if (!claims.has(name)) claims.set(name, row);
  }
  if (claims.size === 0) return [...rows];
  const claimants = [...claims.values()];
  const claimed = await session.rows<{ vault_id: number; key: Buffer }>({
    name: 'answer-claim',
    text: CLAIM,
    values: [
      ...arraysOf(claimants.map(answerKeyOf)),
      byteas(claimants.map(({ idempotency }) => idempotency.body)),
      byteas(claimants.map(({ idempotency }) => idempotency.answer)),
      bigints(claimants.map(({ subjectId }) => subjectId)),
    ],
  });
  const winners = new Set<NewToken | undefined>(
    claimed.map(({ vault_id: vaultId, key }) => claims.get(nameOfKey({ vaultId, key }))),
  );
  return rows.filter((row) => !isIdempotent(row) || winners.has(row));
}

/** Gives up the claims of rows that could not be stored; before the transaction ends. */
export async function releaseAnswers(session: Session, rows: readonly NewToken[]): Promise<void> {
  const claimants = rows.filter(isIdempotent);
  if (claimants.length > 0) {
    const values = arraysOf(claimants.map(answerKeyOf));
    await session.rows({ name: 'answer-release', text: RELEASE, values });
  }
}

/** What earlier calls left under the keys of these rows; rows without one have no entry. */
export async function answersOf<Row extends NewToken>(
  session: Session,
  rows: readonly Row[],
): Promise<Map<Row, IdempotentAnswer>> {
  const asking = rows.filter(isIdempotent);
  const answers = await findAnswers(session, asking.map(answerKeyOf));
  const found = new Map<Row, IdempotentAnswer>();
  for (const [index, row] of asking.entries()) {
    const answer = answers[index];
    if (answer !== undefined) found.set(row, answer);
  }
  return found;
}

/** Reads answers that still count, one result per key, in order. */
export async function findAnswers(
  session: Session,
  keys: readonly AnswerKey[],
): Promise<(IdempotentAnswer | undefined)[]> {
  const results = new Array<IdempotentAnswer | undefined>(keys.length).fill(undefined);
  if (keys.length === 0) return results;
  const rows = await session.rows<IdempotentAnswer & { ord: number }>({
    name: 'answer-find',
    text: READ,
    values: arraysOf(keys),
  });
  for (const { ord, key, body, answer } of rows) {
    results[ord - 1] = { key, body, answer };
  }
  return results;
}

function isIdempotent<Row extends NewToken>(row: Row): row is Row & Idempotent {
  return row.idempotency !== undefined;
}

const answerKeyOf = ({ vaultId, idempotency }: Idempotent): AnswerKey => ({
  vaultId,
  key: idempotency.key,
});

const nameOfKey = ({ vaultId, key }: AnswerKey): string => `${vaultId}/${key.toString('latin1')}`;

const claimOf = (row: Idempotent): string => nameOfKey(answerKeyOf(row));

function arraysOf(keys: readonly AnswerKey[]): unknown[] {
  return [ints(keys.map(({ vaultId }) => vaultId)), byteas(keys.map(({ key }) => key))];
}
