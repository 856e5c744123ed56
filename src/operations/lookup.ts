import { VaultError } from '../domain/errors.ts';
import type { TokenMode } from '../domain/policy/policy.ts';
import { type Soon, whenThere } from '../domain/soon.ts';
import type { Operations } from './operation.ts';
import { checkAction, type Session } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import { checkCandidate, type IssueAsk } from './steps/candidate.ts';
import type { OperationDeps } from './steps/deps.ts';
import { computeToken } from './steps/issue-vaultless.ts';
import { checkKnown, fingerprintKey } from './steps/known-value.ts';
import { orFresh } from './steps/or-fresh.ts';
import { permittedField } from './steps/permitted-field.ts';

type Finder = (deps: OperationDeps, session: Session, ask: IssueAsk) => Soon<string>;

/** How the token of a known value is found: by its fingerprint, or by computing what every call computes. */
const FINDERS = {
  deterministic: findStored,
  fpe: (_deps, session, ask) => computeToken(session, ask),
  siv: (_deps, session, ask) => computeToken(session, ask),
  random: refuse,
  volatile: refuse,
} as const satisfies Record<TokenMode, Finder>;

/** Finds the token of a known value without making one. Random tokens cannot be found by their values. */
export function makeLookup(deps: OperationDeps): Operations['lookup'] {
  return (call, input) =>
    audited(deps, call, { action: 'lookup', items: 1, fields: [input.field] }, async (session) => {
      checkAction(session, { action: 'lookup', items: 1 });
      const asked = { action: 'lookup', field: input.field, items: 1 } as const;
      const place = permittedField(session, asked);
      const token = await FINDERS[place.field.token.mode](deps, session, { ...place, input });
      return { output: { token }, fates: [{ token, field: input.field }] };
    });
}

function findStored(deps: OperationDeps, session: Session, ask: IssueAsk): Soon<string> {
  const candidate = checkCandidate(deps, session, ask);
  const key = fingerprintKey(session, candidate);
  return orFresh(deps, session, ({ notes }) =>
    whenThere(deps.reads.findByFingerprint(key, notes), (row) => {
      if (row === undefined) throw new VaultError('token_not_found');
      checkKnown(session, row, candidate.value);
      return row.token;
    }),
  );
}

async function refuse(): Promise<never> {
  const problems = [{ path: '/field', rule: 'not_deterministic' }];
  throw new VaultError('value_invalid', { problems });
}
