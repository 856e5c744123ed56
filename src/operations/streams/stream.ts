import { VaultError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import type { ItemError, StreamOperation } from '../operation.ts';
import { decideCall, findVault } from '../steps/access.ts';
import { asVaultError, audited } from '../steps/audited.ts';
import type { OperationDeps } from '../steps/deps.ts';
import { inOrder } from './in-order.ts';
import { makeTurns } from './turns.ts';
import { type AnsweredWindow, answerWindow, type StreamWork, UNBOUNDED } from './windows.ts';

/** Windows of one stream that are worked on or wait to be taken. */
const WINDOWS_PER_STREAM = 3;
/** Windows of all streams of a kind that are worked on at a time: single calls find the store free. */
const WINDOWS_AT_WORK = 8;

/** Makes the operation of one kind of stream; its contract is that of `StreamOperation`. */
export function makeStream<Input, Output>(
  deps: OperationDeps,
  work: StreamWork<Input, Output>,
): StreamOperation<Input, Output | ItemError> {
  const inTurn = makeTurns(WINDOWS_AT_WORK);
  return async (call, windows) => {
    const about = { action: work.action, items: 0 };
    const refusal = refusalOf(deps, call, work.action);
    if (refusal !== undefined) {
      // Asked again where the policy was replaced meanwhile; who may after all, has to ask again, too.
      const refuse = () => refusalOf(deps, call, work.action) ?? new VaultError('overloaded');
      return audited(deps, call, about, () => Promise.reject(refuse()));
    }
    const answers = inOrder(
      windows,
      (window) => inTurn(() => answerWindow(deps, { call, work, window })),
      WINDOWS_PER_STREAM,
    );
    const { value: first } = await answers.next();
    if (first === undefined) {
      return audited(deps, call, about, async () => ({ fates: [], output: nothing() }));
    }
    if (first.eventId === undefined) {
      await answers.return();
      throw new VaultError('audit_unavailable');
    }
    return { output: resumed(first, answers), receipt: { eventId: first.eventId } };
  };
}

/**
 * Why a stream can hold nothing but refusals, before a line of it is read: the vault is none of the
 * caller's, or no grant allows the action on any field. What depends on a line is refused line by line.
 */
function refusalOf(
  deps: OperationDeps,
  call: Call,
  action: StreamWork<never, never>['action'],
): VaultError | undefined {
  try {
    const vault = findVault(deps.vaults, call);
    const seeker = { call, vault, atMs: deps.clock.now() };
    const { code, reasons } = decideCall(seeker, { action, items: UNBOUNDED });
    return code === 'forbidden' ? new VaultError(code, { detail: reasons.join(' ') }) : undefined;
  } catch (error) {
    return asVaultError(error);
  }
}

async function* nothing(): AsyncGenerator<never, void, void> {}

/** The lines of a window that was waited for, then those of the others as they are taken. */
function resumed<Line>(
  first: AnsweredWindow<Line>,
  answers: AsyncGenerator<AnsweredWindow<Line>, void, void>,
): AsyncIterable<readonly (Line | ItemError)[]> {
  const ready = [first];
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const window = ready.shift() ?? (await answers.next()).value;
        return window === undefined
          ? { done: true, value: undefined }
          : { done: false, value: window.lines };
      },
      return: async () => {
        await answers.return();
        return { done: true, value: undefined };
      },
    }),
  };
}
