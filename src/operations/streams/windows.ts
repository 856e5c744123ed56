import { VaultError } from '../../domain/errors.ts';
import type { Soon } from '../../domain/soon.ts';
import type { Call } from '../call.ts';
import type { ItemError, RevealContext, StreamItem } from '../operation.ts';
import { checkAction, type Session } from '../steps/access.ts';
import { asVaultError, audited } from '../steps/audited.ts';
import { eachItem, itemError } from '../steps/batch.ts';
import type { OperationDeps } from '../steps/deps.ts';
import type { Fate } from '../steps/events.ts';

/**
 * How many items a stream counts as: nobody knows how many will come. A grant that allows only so many at
 * once (`maxItems`) allows no stream.
 */
export const UNBOUNDED = Number.POSITIVE_INFINITY;

/** What is done with the lines of one kind of stream. */
export type StreamWork<Input, Output> = {
  action: 'tokenize' | 'detokenize';
  /** How a line explains its reveal; lines that explain it alike are on record together. */
  revealOf?: (input: Input) => RevealContext;
  /** What of a line its event names, when the line fails. */
  fateOf: (input: Input) => Fate;
  run: (session: Session, input: Input) => Soon<{ output: Output; fate: Fate }>;
};

/** The answers of a window, in order, and its event, when there is one that is durable. */
export type AnsweredWindow<Output> = {
  lines: readonly (Output | ItemError)[];
  eventId: string | undefined;
};

/** Lines of one window that one request could have held. */
type Group<Input> = { reveal: RevealContext; places: number[]; items: StreamItem<Input>[] };

/**
 * Does the work of one window as if each line were a call: policy and keys as they are now, events durable
 * before it resolves. Never rejects: what fails is the answer of its lines. Lines whose events cannot be
 * recorded are answered `audit_unavailable`, whatever became of them.
 */
export async function answerWindow<Input, Output>(
  deps: OperationDeps,
  ask: {
    call: Call;
    work: StreamWork<Input, Output>;
    window: readonly StreamItem<Input>[];
  },
): Promise<AnsweredWindow<Output>> {
  const groups = groupsOf(ask.window, ask.work);
  const answers = await Promise.all(groups.map((group) => answerGroup(deps, ask, group)));
  const lines: (Output | ItemError)[] = [];
  for (const [at, group] of groups.entries()) {
    for (const [index, place] of group.places.entries()) {
      lines[place] = answers[at]?.lines[index] ?? itemError(new VaultError('internal'));
    }
  }
  return { lines, eventId: answers.find(({ eventId }) => eventId !== undefined)?.eventId };
}

function groupsOf<Input>(
  window: readonly StreamItem<Input>[],
  { revealOf = () => ({}) }: Pick<StreamWork<Input, unknown>, 'revealOf'>,
): Group<Input>[] {
  const groups = new Map<string, Group<Input>>();
  for (const [place, item] of window.entries()) {
    const reveal = 'failure' in item ? {} : revealOf(item.input);
    const { view, purpose, reference, approval } = reveal;
    const key = JSON.stringify(['failure' in item, view, purpose, reference, approval]);
    const group = groups.get(key) ?? { reveal, places: [], items: [] };
    groups.set(key, group);
    group.places.push(place);
    group.items.push(item);
  }
  return [...groups.values()];
}

async function answerGroup<Input, Output>(
  deps: OperationDeps,
  { call, work }: { call: Call; work: StreamWork<Input, Output> },
  { reveal, items }: Group<Input>,
): Promise<AnsweredWindow<Output>> {
  const { action } = work;
  const inputs = items.flatMap((item) => ('input' in item ? item.input : []));
  const fates = inputs.map(work.fateOf);
  const about = {
    action,
    items: items.length,
    tokens: fates.flatMap(({ token }) => token ?? []),
    fields: fates.flatMap(({ field }) => field ?? []),
    ...(work.revealOf === undefined ? {} : { reveal }),
  };
  try {
    const { output, receipt } = await audited(deps, call, about, (session) => {
      if (inputs.length > 0) {
        checkAction(session, { ...reveal, action, items: UNBOUNDED });
      }
      return eachItem(deps.clock, items, {
        run: (item) => {
          if ('failure' in item) throw item.failure;
          return work.run(session, item.input);
        },
        fateOf: (item) => ('input' in item ? work.fateOf(item.input) : {}),
      });
    });
    return { lines: output.items, eventId: receipt.eventId };
  } catch (error) {
    const failure = asVaultError(error);
    const eventId = failure.auditEventId;
    // A failure that is not on record must not be told.
    const told = eventId === undefined ? new VaultError('audit_unavailable') : failure;
    return { lines: items.map(() => itemError(told)), eventId };
  }
}
