import { readPolicy } from '../../src/app/policy-files.ts';
import { TOKEN_ACTIONS } from '../../src/domain/policy/policy.ts';
import { callAs } from './operations.ts';

/** One field as a policy document has it. */
export type FieldText = {
  type: string;
  token: { [option: string]: unknown };
  [member: string]: unknown;
};

/**
 * A policy document with these fields, in which role `all` may do everything to tokens; `roles` are further
 * ones.
 */
export function policyOf(
  fields: { [name: string]: FieldText },
  roles: { [name: string]: object[] } = {},
): string {
  const everything = { allow: [...TOKEN_ACTIONS], fields: '*', views: '*' };
  return JSON.stringify({
    apiVersion: 'counterfoil/v1',
    vault: 'demo',
    purposes: ['care'],
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, { class: 'direct', ...field }]),
    ),
    roles: { all: [everything], ...roles },
  });
}

/** Someone who may do everything to tokens, under `policyOf`. */
export const allCall = callAs('all');

/** True when the linter lets a policy with this field pass. */
export function isAllowedField(field: FieldText): boolean {
  try {
    readPolicy(policyOf({ field }));
    return true;
  } catch {
    return false;
  }
}

/** A policy document of one deterministic field, of which role `support` sees the given view. */
export function oneFieldPolicy(view: string, vault = 'demo'): string {
  return `
apiVersion: counterfoil/v1
vault: ${vault}
purposes: [support-ticket]
fields:
  email:
    class: direct
    type: email
    token: { mode: deterministic, prefix: eml }
    views: { masked: { mask: email } }
roles:
  app:
    - { allow: [tokenize, lookup, token.revoke], fields: [email] }
  support:
    - { allow: [detokenize], fields: [email], views: [${view}], require: { purpose: true } }
`;
}
