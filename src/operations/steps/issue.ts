import type { TokenMode } from '../../domain/policy/policy.ts';
import type { Soon } from '../../domain/soon.ts';
import type { TokenizeInput } from '../operation.ts';
import type { Session } from './access.ts';
import type { IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import type { Repeat } from './idempotency.ts';
import { issueDeterministic } from './issue-deterministic.ts';
import { issueRandom } from './issue-random.ts';
import { issueVaultless } from './issue-vaultless.ts';
import { issueVolatile } from './issue-volatile.ts';
import { permittedField } from './permitted-field.ts';

/** Swaps a value for its token; durable when it resolves. */
type Issuer = (deps: OperationDeps, session: Session, ask: IssueAsk) => Soon<string>;

const ISSUERS = {
  random: issueRandom,
  deterministic: issueDeterministic,
  fpe: issueVaultless,
  siv: issueVaultless,
  volatile: issueVolatile,
} as const satisfies Record<TokenMode, Issuer>;

/** Swaps one value for its token, in the way of its field. The same for new and known values. */
export function issue(
  deps: OperationDeps,
  session: Session,
  { input, items, repeat }: { input: TokenizeInput; items: number; repeat?: Repeat | undefined },
): Soon<string> {
  const asked = { action: 'tokenize', field: input.field, items } as const;
  return issueIn(deps, session, { ...permittedField(session, asked), input, repeat });
}

/** As `issue`, in a field that the caller may fill. */
export function issueIn(deps: OperationDeps, session: Session, ask: IssueAsk): Soon<string> {
  return ISSUERS[ask.field.token.mode](deps, session, ask);
}
