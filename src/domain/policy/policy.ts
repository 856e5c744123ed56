import type { Mask } from '../masks/masks.ts';
import type { TokenFormat } from '../tokens/format.ts';
import type { ValueType } from '../values/types.ts';

/** Actions that a grant can name inside a vault (DESIGN §5). */
export const ACTIONS = [
  'tokenize',
  'lookup',
  'detokenize',
  'token.inspect',
  'token.revoke',
  'token.import',
  'token.search',
  'subject.erase',
  'subject.export',
  'vault.export',
  'audit.read',
  'policy.read',
  'policy.apply',
  'key.read',
  'key.rotate',
  'key.rewrap',
  'key.destroy',
  'access.approve',
  'honeytoken.manage',
] as const;

export type Action = (typeof ACTIONS)[number];

/** Actions on values and tokens: a grant of one of these covers only the fields that it lists. */
export const TOKEN_ACTIONS: ReadonlySet<Action> = new Set([
  'tokenize',
  'lookup',
  'detokenize',
  'token.inspect',
  'token.revoke',
  'token.import',
  'token.search',
]);

/** Actions that give whole values away, or their keys: only the action itself is asked for. */
export const WHOLE_ACTIONS: readonly Action[] = ['subject.export', 'vault.export'];

export type TokenMode = 'random' | 'deterministic' | 'fpe' | 'siv' | 'volatile';

/** What deterministic equality is confined to: the whole vault, one caller, or one subject. */
export type Scope = 'vault' | 'caller' | 'subject';

/** The rules of one field, compiled from the document. Only what is built appears here. */
export type Field = {
  name: string;
  class: 'direct' | 'quasi' | 'sensitive' | 'none';
  type: ValueType;
  /** Cap on the raw value, in UTF-8 bytes. */
  maxBytes: number;
  token: { mode: TokenMode; format: TokenFormat };
  /** Named masks; `full` is not among them, it always exists. */
  views: ReadonlyMap<string, Mask>;
  /** Life of a token from its creation, in milliseconds. */
  ttlMs?: number;
  /** Reveals, in whatever view, after which a token is gone; at most that many, whatever races or crashes. */
  maxReveals?: number;
  scope: Scope;
};

/** What a grant demands of a request beyond role and action. Absent members demand nothing. */
export type Requirement = {
  purpose?: true;
  /** Tests the whole reference, in linear time. */
  reference?: (text: string) => boolean;
  mfa?: true;
  /** How many approvals. */
  approvals?: number;
  hours?: Hours;
  /** Tests a textual IP address against the CIDR list. */
  sourceIps?: (ip: string) => boolean;
  maxItems?: number;
};

/** Working hours: days 1 (Monday) to 7, minutes after local midnight, an IANA zone. */
export type Hours = { days: readonly number[]; fromMinute: number; toMinute: number; zone: string };

/** A number of reveals, and the length of the window that they are counted in, in milliseconds. */
export type Budget = { tokens: number; perMs: number };

/** One rule of a role. `'*'` is every field, or every view with `full`. */
export type Grant = {
  /** Where the policy says it (`role:support[0]`): what a decision cites as its reason. */
  id: string;
  effect: 'allow' | 'deny';
  actions: ReadonlySet<Action>;
  fields: ReadonlySet<string> | '*';
  /** Absent in the document: none on an allow, every view on a deny (which must not become a no-op). */
  views: ReadonlySet<string> | '*';
  require: Requirement;
  /** How many tokens one principal may reveal under this grant in a window of `perMs` milliseconds. */
  budget?: Budget;
};

/** One applied version of a vault's policy, ready for `decide`. */
export type Policy = {
  vault: string;
  purposes: ReadonlySet<string>;
  fields: ReadonlyMap<string, Field>;
  roles: ReadonlyMap<string, readonly Grant[]>;
};
