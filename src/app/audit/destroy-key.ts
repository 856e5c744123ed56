import { destroyMonthKey, forgetMonth } from '../../adapters/postgres/audit/retention/change.ts';
import { segmentsWithin } from '../../adapters/postgres/audit/retention/segments.ts';
import { monthOf } from '../../crypto/private-cipher.ts';
import { SYSTEM_VAULT_ID, signRow } from '../../crypto/wrapped-key.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Operator } from './operator.ts';

/** `event` tells of a destruction; it is absent when the key was gone already, and with `dryRun`. */
export type Destroyed = { vault: string; month: number; event?: string };

/**
 * Destroys the key that seals the disclosures of one vault and month (yyyymm, UTC), and takes what it
 * sealed out of the blind index. For good: only a backup of the database with the root key could undo it.
 * Running it again finishes what was interrupted.
 * @throws VaultError one line for the operator, when there is no such vault or key, or the month goes on
 */
export async function destroyMonth(
  operator: Operator,
  asked: { vault: string; month: number; ticket?: string | undefined; dryRun: boolean },
): Promise<Destroyed> {
  const { keysets, clock } = operator;
  const { vault, month, ticket, dryRun } = asked;
  if (month >= monthOf(clock.now())) {
    throw refusal('That month is not over: writers still seal under its key. Take an earlier one.');
  }
  const vaultId = operator.vaultIds.get(vault);
  if (vaultId === undefined) {
    throw refusal('There is no such vault.');
  }
  const row = (await operator.keys.load(vaultId)).find(
    ({ purpose, version }) => purpose === 'private' && version === month,
  );
  if (row === undefined) {
    throw refusal('That vault has no key of that month: nothing was sealed under one.');
  }
  if (dryRun) {
    return { vault, month };
  }
  await operator.settle();
  const isNew = row.state !== 'destroyed';
  const event = isNew
    ? await operator.tell({
        operation: 'key.destroy',
        attributes: { vault, purpose: 'private', month },
        ...(vaultId !== SYSTEM_VAULT_ID && { vault }),
        reference: ticket,
      })
    : undefined;
  if (event !== undefined) {
    const gone = { ...row, vaultId, state: 'destroyed', wrapped: Buffer.alloc(0) } as const;
    const { mac } = signRow(gone, await keysets.authority());
    await destroyMonthKey(operator.pool, { eventId: event, vaultId, month, mac });
  }
  for (const segment of await segmentsWithin(operator.pool, boundsOf(month))) {
    await forgetMonth(operator.pool, { vaultId, month, ...segment });
  }
  return { vault, month, ...(event !== undefined && { event }) };
}

function boundsOf(month: number): { fromMs: number; toMs: number } {
  const [year, monthIndex] = [Math.floor(month / 100), (month % 100) - 1];
  return { fromMs: Date.UTC(year, monthIndex), toMs: Date.UTC(year, monthIndex + 1) };
}

function refusal(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
