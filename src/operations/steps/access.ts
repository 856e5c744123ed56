import type { VaultCipher } from '../../crypto/vault-cipher.ts';
import { VaultError } from '../../domain/errors.ts';
import {
  type AccessRequest,
  type Decision,
  decide,
  decideAction,
  hasRole,
} from '../../domain/policy/decide.ts';
import type { Action, Field } from '../../domain/policy/policy.ts';
import type { Call } from '../call.ts';
import type { RevealContext } from '../operation.ts';
import type { ReadNotes } from '../ports/token-reads.ts';
import type { Vault, VaultRegistry } from '../ports/vault-registry.ts';

/** A call that has found its vault: what the later steps of one attempt at an operation work with. */
export type Session = {
  call: Call;
  vault: Vault;
  cipher: VaultCipher;
  notes: ReadNotes;
  /** The moment for which the policy decides, for all items alike; epoch milliseconds. */
  atMs: number;
};

/**
 * The vault of a call. One that does not exist, one that the credential does not name and one in which
 * the caller has no role are the same `vault_not_found` (DESIGN §10).
 */
export function findVault(vaults: VaultRegistry, call: Call): Vault {
  const vault = vaults.find(call.vault);
  if (vault === undefined || !isMember(call, vault)) {
    throw new VaultError('vault_not_found');
  }
  return vault;
}

/** True when the credential names the vault, and the vault's policy knows a role of the caller. */
export function isMember({ principal }: Pick<Call, 'principal'>, vault: Vault): boolean {
  const named = principal.vaults === '*' || principal.vaults.includes(vault.name);
  return named && hasRole(vault.policy, principal.roles);
}

/** What a call asks to do. */
export type Asked = { action: Action; items: number } & RevealContext;

/** The question to put to the policy, from what the credential, the transport and the body say. */
function accessRequest({ call, atMs }: Seeker, asked: Asked): AccessRequest {
  const { action, items, view, purpose, reference } = asked;
  const { principal, source } = call;
  const { roles, mfa } = principal;
  const caller = { roles, mfa, sourceIp: source.ip };
  return { principal: caller, action, items, atMs, view, purpose, reference };
}

/** What a call may do in a vault: the vault's policy decides, over what the call establishes, for one moment. */
type Seeker = Pick<Session, 'call' | 'vault' | 'atMs'>;

/**
 * Refuses, before any look-up, a call whose action no grant of the caller allows on any field, or that
 * lacks what every one of those grants demands.
 */
export function checkAction(seeker: Seeker, asked: Asked): void {
  checkDecision(decideCall(seeker, asked));
}

/** The decision that `checkAction` goes by, for those who only want to know. */
export function decideCall(seeker: Seeker, asked: Asked): Decision {
  return decideAction(seeker.vault.policy, accessRequest(seeker, asked));
}

/**
 * Refuses a call that may not do this on this field, in this view and for this reason. What the decision
 * obliges to is still to be done.
 */
export function checkField(session: Seeker, field: Field, asked: Asked): Decision {
  const decision = decideField(session, field, asked);
  checkDecision(decision);
  return decision;
}

/** The decision that `checkField` goes by, for those who only want to know. */
export function decideField(seeker: Seeker, field: Field, asked: Asked): Decision {
  return decide(seeker.vault.policy, { ...accessRequest(seeker, asked), field: field.name });
}

/** The refusal of a field name that the vault's policy does not have. */
export function unknownField(): VaultError {
  return new VaultError('field_unknown', {
    problems: [{ path: '/field', rule: 'field_unknown' }],
  });
}

/** Turns a refusal of the policy into the error of its code; one of a view tells the views that there are. */
function checkDecision({ allowed, code = 'forbidden', reasons, views }: Decision): void {
  if (!allowed) {
    const hint = views?.join(', ') || 'no view at all';
    const problems = views === undefined ? [] : [{ path: '/view', rule: 'not_granted', hint }];
    throw new VaultError(code, { detail: reasons.join(' '), problems });
  }
}
