import { callAs, makeTestOperations } from './operations.ts';

const policyOf = (vault: string) => `apiVersion: counterfoil/v1
vault: ${vault}
purposes: [care, billing]
fields:
  name: { class: direct, type: text, token: { mode: random, prefix: nam }, views: { short: { mask: initials } } }
roles:
  app:
    - allow: [tokenize, token.revoke]
      fields: "*"
  desk:
    - allow: [detokenize]
      fields: "*"
      views: "*"
  ${vault}-auditor:
    - allow: [audit.read]
  auditor:
    - allow: [audit.read]
`;

type Call = ReturnType<typeof callAs>;

/** A caller who does not name a vault. */
export function auditorOf(role: string, more: Partial<Call['principal']> = {}) {
  const { vault: _, ...caller } = callAs(role, { vaults: '*', ...more });
  return caller;
}

/**
 * Two vaults, `alpha` and `beta`, with a little history: in each, `mia` (role app) made a token for the subject
 * `person-1`, and `tom` (role desk) read it for `care` under case `C-7`. `auditor` reads both vaults, and
 * `alpha-auditor` and `beta-auditor` one each.
 */
export async function makeStory() {
  const service = makeTestOperations(policyOf('alpha'), [policyOf('beta')]);
  const { operations } = service;
  const as = (role: string, subject: string, vault: string) => ({
    ...callAs(role, { subject, vaults: '*' }),
    vault,
  });
  const tokens: Record<string, string> = {};
  const reads: Record<string, string> = {};
  for (const vault of ['alpha', 'beta']) {
    const made = await operations.tokenize(as('app', 'mia', vault), {
      field: 'name',
      value: 'Ada',
      subject: 'person-1',
    });
    const { token } = made.output;
    const reason = { purpose: 'care', reference: 'C-7', view: 'short' };
    const read = await operations.detokenize(as('desk', 'tom', vault), { token, ...reason });
    tokens[vault] = token;
    reads[vault] = read.receipt.eventId;
  }
  return { ...service, as, tokens, reads };
}
