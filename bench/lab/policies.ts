/** Vaults of a run, all alike: their policies are files of one folder. */
export const VAULTS = ['one', 'two', 'three', 'four'] as const;

export type VaultName = (typeof VAULTS)[number];

/** Application services put values in; support tools see them masked, for a purpose. No budgets. */
export type Role = 'app' | 'support';

/** The policy of one vault, as text: a field of each way to make tokens. */
export function policyText(vault: VaultName): string {
  return `apiVersion: counterfoil/v1
vault: ${vault}
purposes: [support-ticket]
fields:
  email:
    class: direct
    type: email
    token: { mode: deterministic, format: email }
    views:
      masked: { mask: email }
  name:
    class: direct
    type: text
    token: { mode: random, prefix: name }
    views:
      masked: { mask: initials }
  card:
    class: direct
    type: digits
    length: [12, 19]
    token: { mode: fpe, format: digits, keepLast: 4 }
    views:
      masked: { mask: keep, last: 4 }
  note:
    class: sensitive
    type: text
    token: { mode: siv, prefix: note }
    views:
      masked: { mask: keep, first: 4 }
roles:
  app:
    - allow: [tokenize, lookup]
      fields: "*"
  support:
    - allow: [detokenize]
      fields: "*"
      views: [masked]
      require: { purpose: true }
`;
}
