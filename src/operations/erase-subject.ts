import type { Operations } from './operation.ts';
import type { Erasure, PersonKey } from './ports/people-store.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { formatErasureReceipt } from './steps/erasure-receipt.ts';

/**
 * Erases a person: what only they are linked to, their links, and their secret. One whom nobody knows is erased
 * just the same, so that the answer tells nobody who is a customer.
 *
 * The event comes first, then the journal, then the work. A crash after the event leaves an event about a person
 * who is still there, and asking again is safe; a crash after the journal leaves an erasure that is made up for
 * by the replay, as after the restore of a backup. Nobody is erased without an event, and nobody who was told
 * that they are erased comes back with an old database.
 */
export function makeEraseSubject(deps: OperationDeps): Operations['eraseSubject'] {
  return (call, { subject }) => {
    const about = { action: 'subject.erase', items: 1, person: subject } as const;
    return audited(deps, call, about, async (session) => {
      checkAction(session, { action: 'subject.erase', items: 1 });
      const { vault, cipher } = session;
      const person = { vaultId: vault.id, digest: cipher.subjectDigest(subject) };
      const effect = async ({ eventId }: { eventId: string }) => {
        const erasure = await newErasure(deps, person);
        await deps.journal.note(erasure);
        const { tombstone } = cipher.digests;
        const erased = await deps.people.erase({ ...erasure, tombstone });
        const { name } = deps.receipts;
        const text = formatErasureReceipt({ name, vault: vault.name, erasure, erased, eventId });
        return { erased, receipt: await deps.receipts.sign(text) };
      };
      return { fates: [], effect };
    });
  };
}

/**
 * An erasure of this person that nobody has made yet. Its time is its name: one that was made in this very
 * millisecond, or by an instance whose clock is ahead, may lie before the person came back. Two callers who
 * choose the same one at once are both told of an erasure that began after they asked for it.
 */
async function newErasure(
  { people, clock }: Pick<OperationDeps, 'people' | 'clock'>,
  person: PersonKey,
): Promise<Erasure> {
  for (let atMs = clock.now(); ; atMs += 1) {
    const erasure = { ...person, atMs };
    const [isNew] = await people.unknownErasures([erasure]);
    if (isNew !== undefined) return erasure;
  }
}
