// Two ways into an instance: its operations, and its HTTP interface.
import { randomUUID } from 'node:crypto';
import { VaultError } from '../../src/domain/errors.ts';
import type { Answer } from '../../src/operations/call.ts';
import type { Operations } from '../../src/operations/operation.ts';
import { callAs } from './operations.ts';
import type { TestService } from './service.ts';

const PURPOSE = 'support-ticket';

/** What a caller got: the output, or the code of the error. */
export type Outcome<Output> = { output: Output } | { code: string };

type Value = { field: string; value: string; subject?: string; expiresAt?: string };

/** What callers ask of an instance, each by the role that may. */
export type Door = {
  tokenize(value: Value): Promise<Outcome<{ token: string }>>;
  lookup(value: Value): Promise<Outcome<{ token: string }>>;
  reveal(token: string, view: 'full' | 'masked'): Promise<Outcome<{ value: string }>>;
  /** One call for all; when it fails as a whole, each has its code. */
  revealAll(tokens: readonly string[]): Promise<Outcome<{ value: string }>[]>;
  revoke(token: string): Promise<Outcome<{ revoked: number }>>;
  erase(subject: string): Promise<Outcome<{ erased: number }>>;
};

type Asked = Pick<
  Operations,
  'tokenize' | 'lookup' | 'detokenize' | 'detokenizeBatch' | 'revoke' | 'eraseSubject'
>;

/** The masked view is for `support`, the full one for `supervisor`. */
const roleOf = (view: 'full' | 'masked') => (view === 'full' ? 'supervisor' : 'support');

/** A row is more than what may be asked for. */
const askOf = ({ field, value, subject, expiresAt }: Value) => ({
  field,
  value,
  ...(subject !== undefined && { subject }),
  ...(expiresAt !== undefined && { expiresAt }),
});

/** The operations themselves, on one vault. */
export function makeOperationsDoor(operations: Asked, vault: string): Door {
  const as = (role: string) => ({
    ...callAs(role, { vaults: '*' }),
    vault,
    requestId: randomUUID(),
  });
  return {
    tokenize: (value) => outcomeOf(operations.tokenize(as('app'), askOf(value))),
    lookup: ({ field, value }) => outcomeOf(operations.lookup(as('app'), { field, value })),
    reveal: (token, view) =>
      outcomeOf(operations.detokenize(as(roleOf(view)), { token, view, purpose: PURPOSE })),
    revealAll: async (tokens) => {
      const ask = { tokens, purpose: PURPOSE };
      const all = await outcomeOf(operations.detokenizeBatch(as('supervisor'), ask));
      return outcomesOf(tokens, all);
    },
    revoke: (token) => outcomeOf(operations.revoke(as('app'), { tokens: [token] })),
    erase: (subject) => outcomeOf(operations.eraseSubject(as('privacy'), { subject })),
  };
}

/** An instance over HTTP. */
export function makeServiceDoor({ post }: Pick<TestService, 'post'>): Door {
  const ask = async <Output>(role: string, path: string, body: object) => {
    const answer = await post(role, path, body);
    return (
      answer.status === 200 ? { output: answer.body } : { code: String(answer.body.code) }
    ) as Outcome<Output>;
  };
  return {
    tokenize: (value) => ask('app', 'tokenize', askOf(value)),
    lookup: ({ field, value }) => ask('app', 'lookup', { field, value }),
    reveal: (token, view) => ask(roleOf(view), 'detokenize', { token, view, purpose: PURPOSE }),
    revealAll: async (tokens) =>
      outcomesOf(tokens, await ask('supervisor', 'detokenize/batch', { tokens, purpose: PURPOSE })),
    revoke: (token) => ask('app', 'tokens/revoke', { tokens: [token] }),
    erase: (subject) => ask('privacy', 'subjects/erase', { subject }),
  };
}

async function outcomeOf<Output>(answer: Promise<Answer<Output>>): Promise<Outcome<Output>> {
  try {
    return { output: (await answer).output };
  } catch (error) {
    if (error instanceof VaultError) return { code: error.code };
    throw error;
  }
}

type Item = { value: string } | { error: { code: string } };

function outcomesOf(
  tokens: readonly string[],
  all: Outcome<{ items: readonly Item[] }>,
): Outcome<{ value: string }>[] {
  if ('code' in all) return tokens.map(() => all);
  return all.output.items.map((item) =>
    'value' in item ? { output: item } : { code: item.error.code },
  );
}
