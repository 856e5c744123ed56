import type { VaultCipher } from '../../crypto/vault-cipher.ts';
import { VaultError } from '../../domain/errors.ts';
import {
  type AccessRequest,
  type Decision,
  decideAction,
  hasRole,
} from '../../domain/policy/decide.ts';
import type { Action } from '../../domain/policy/policy.ts';
import type { Call, RevealContext } from '../operation.ts';
import type { Vault, VaultRegistry } from '../ports/vault-registry.ts';

/** A call that has found its vault: what the later steps of an operation work with. */
export type Session = { call: Call; vault: Vault; cipher: VaultCipher };

/**
 * The vault of a call. One that does not exist, one that the credential does not name and one in which
 * the caller has no role are the same `vault_not_found` (DESIGN §10).
 */
export function findVault(vaults: VaultRegistry, call: Call): Vault {
  const { principal } = call;
  const named = principal.vaults === '*' || principal.vaults.includes(call.vault);
  const vault = vaults.find(call.vault);
  if (vault === undefined || !named || !hasRole(vault.policy, principal.roles)) {
    throw new VaultError('vault_not_found');
  }
  return vault;
}

/** What a call asks to do, at which moment. */
export type Asked = { action: Action; items: number; atMs: number } & RevealContext;

/** The question to put to the policy, from what the credential, the transport and the body say. */
export function accessRequest(call: Call, asked: Asked): AccessRequest {
  const { principal, source } = call;
  return {
    principal: { roles: principal.roles, mfa: principal.mfa, sourceIp: source.ip },
    action: asked.action,
    items: asked.items,
    atMs: asked.atMs,
    ...(asked.view === undefined ? {} : { view: asked.view }),
    ...(asked.purpose === undefined ? {} : { purpose: asked.purpose }),
    ...(asked.reference === undefined ? {} : { reference: asked.reference }),
  };
}

/**
 * Refuses, before any look-up, a call whose action no grant of the caller allows on any field, or that
 * lacks what every one of those grants demands.
 */
export function checkAction({ call, vault }: Session, asked: Asked): void {
  checkDecision(decideAction(vault.policy, accessRequest(call, asked)));
}

/** Turns a refusal of the policy into the error of its code. */
export function checkDecision(decision: Decision): void {
  if (!decision.allowed) {
    throw new VaultError(decision.code ?? 'forbidden', { detail: decision.reasons.join(' ') });
  }
}
