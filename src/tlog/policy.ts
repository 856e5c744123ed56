import type { KeyRef } from './key-text.ts';
import type { Verifier } from './verifier-key.ts';

/** Which logs are believed, and whose cosignatures they need (tlog-policy). Made by `parsePolicy`. */
export type Policy = {
  /** The origin of a log is its key's name. */
  logs: LogRule[];
  witnesses: WitnessRule[];
  /** In order of definition: each names only witnesses, and groups before it. */
  groups: GroupRule[];
  /** The witness or group that must have cosigned; `undefined` for `quorum none`. */
  quorum: string | undefined;
};

export type LogRule = { verifier: Verifier; url?: string };
/** `name` means something in the policy only: signatures carry the name of the key. */
export type WitnessRule = { name: string; verifier: Verifier; url?: string };
/** Counts as having cosigned when `threshold` of its members have. */
export type GroupRule = { name: string; threshold: number; members: string[] };

/** Whether keys whose valid cosignatures a checkpoint bears make up the policy's quorum. */
export function isQuorumMet(policy: Policy, cosigners: readonly KeyRef[]): boolean {
  if (policy.quorum === undefined) {
    return true;
  }
  const hasCosigned = ({ verifier }: WitnessRule) =>
    cosigners.some((key) => key.name === verifier.name && key.keyId === verifier.keyId);
  const satisfied = new Set(policy.witnesses.filter(hasCosigned).map(({ name }) => name));
  // Members stand before their group, so one pass suffices, however deep groups are nested.
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => satisfied.has(member)).length >= threshold) {
      satisfied.add(name);
    }
  }
  return satisfied.has(policy.quorum);
}
