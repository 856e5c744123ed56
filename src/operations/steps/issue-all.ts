import { type Settled, whenThere } from '../../domain/soon.ts';
import type { TokenizeInput } from '../operation.ts';
import type { StoredToken } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import { eachItem, inTurns, makeTurns } from './batch.ts';
import type { OperationDeps } from './deps.ts';
import type { Repeat } from './idempotency.ts';
import { issueIn } from './issue.ts';
import { type Checked, checkDeterministic, issueChecked } from './issue-deterministic.ts';
import { type FieldPlace, permittedField } from './permitted-field.ts';

type Asked = { inputs: readonly TokenizeInput[]; repeats: readonly (Repeat | undefined)[] };

/** An item whose field may be filled, and of a deterministic one what its value is looked for by. */
type Prepared = { place: FieldPlace; checked?: Checked };

/**
 * Swaps values for their tokens, each as `issue` would. The values of deterministic fields are looked for
 * together: a thousand questions, each with the promises on its way, cost 5 µs a value, and as much again of
 * garbage collection.
 */
export async function issueAll(deps: OperationDeps, session: Session, { inputs, repeats }: Asked) {
  const prepare = makePrepare(deps, session, inputs.length);
  const turns = makeTurns(deps.clock);
  const prepared = await inTurns(turns, inputs, prepare);
  const rowOf = await lookForAll(
    deps,
    session,
    prepared.flatMap((item) => ('done' in item && item.done.checked) || []),
  );
  return eachItem(deps.clock, inputs, {
    run: (input, index) => {
      const item = prepared[index];
      if (item === undefined || 'error' in item) throw item?.error;
      const { place, checked } = item.done;
      const token =
        checked === undefined
          ? issueIn(deps, session, { ...place, input, repeat: repeats[index] })
          : issueChecked(deps, session, checked, rowOf(checked));
      return whenThere(token, (issued) => ({
        output: { token: issued },
        fate: { token: issued, field: input.field },
      }));
    },
    fateOf: ({ field }) => ({ field }),
    turns,
  });
}

/** Decides once for each field: the items of an attempt ask for the same, at one moment. */
function makePrepare(deps: OperationDeps, session: Session, items: number) {
  const places = new Map<string, FieldPlace>();
  return (input: TokenizeInput): Prepared => {
    const { field } = input;
    const place =
      places.get(field) ?? permittedField(session, { action: 'tokenize', field, items });
    places.set(field, place);
    return place.field.token.mode === 'deterministic'
      ? { place, checked: checkDeterministic(deps, session, { ...place, input }) }
      : { place };
  };
}

/** Looks for the rows of known values. A look-up that failed fails those who ask for its row. */
async function lookForAll(
  { reads }: Pick<OperationDeps, 'reads'>,
  { notes }: Session,
  all: readonly Checked[],
): Promise<(checked: Checked) => StoredToken | undefined> {
  if (all.length === 0) return () => undefined;
  const keys = all.map(({ key }) => key);
  const settled = await reads.findAllByFingerprint(keys, notes);
  const found = new Map<Checked, Settled<StoredToken | undefined> | undefined>();
  all.forEach((checked, index) => {
    found.set(checked, settled[index]);
  });
  return (checked) => {
    const result = found.get(checked) ?? { done: undefined };
    if ('error' in result) throw result.error;
    return result.done;
  };
}
