import { parseDecimal } from './numbers.ts';
import type { Policy } from './policy.ts';
import type { SignatureType } from './signature-type.ts';
import { decodeUtf8 } from './text.ts';
import { TlogError } from './tlog-error.ts';
import { parseVerifierKey, type Verifier } from './verifier-key.ts';

/** What the lines so far have defined. */
type Draft = Omit<Policy, 'quorum'> & {
  /** Names that a group or the quorum may refer to. */
  defined: Set<string>;
  /** Names that are a member of some group: each may be so once. */
  used: Set<string>;
  quorum?: { name: string };
};

/** Adds one line's items to the draft, or says which rule the line breaks. */
type ReadLine = (draft: Draft, items: readonly string[]) => string | undefined;

const LINES = new Map<string, ReadLine>([
  ['log', readLog],
  ['witness', readWitness],
  ['group', readGroup],
  ['quorum', readQuorum],
]);

/** The quorum of a policy that asks for no witness; it names nothing else. */
const NONE = 'none';
const ALLOWED_CHARS = /^[\t\u0020-\u007e\u0080-\u{10ffff}]*$/u;

/**
 * Reads a policy file (tlog-policy): `log <vkey> [url]`, `witness <name> <vkey> [url]`, `group <name>
 * <k|any|all> <members…>`, and exactly one `quorum <name|none>`. Names are defined before they are used,
 * so cycles cannot be written, and no name is a member twice. A log's key must be a note key (0x01), a
 * witness's a cosignature key (0x04). Throws `policy_invalid` with the line and the rule.
 */
export function parsePolicy(file: string | Uint8Array): Policy {
  const draft: Draft = {
    logs: [],
    witnesses: [],
    groups: [],
    defined: new Set(),
    used: new Set(),
  };
  const text = typeof file === 'string' ? file : decodePolicy(file);
  for (const [index, line] of text.split('\n').entries()) {
    const problem = readLine(draft, line);
    if (problem !== undefined) {
      throw invalid(`line ${index + 1}: ${problem}`);
    }
  }
  const { logs, witnesses, groups, quorum } = draft;
  if (quorum === undefined) {
    throw invalid('there is no quorum line');
  }
  return { logs, witnesses, groups, quorum: quorum.name === NONE ? undefined : quorum.name };
}

function decodePolicy(file: Uint8Array): string {
  try {
    return decodeUtf8(file);
  } catch (cause) {
    throw new TlogError('policy_invalid', { cause, detail: 'not UTF-8' });
  }
}

const invalid = (detail: string) => new TlogError('policy_invalid', { detail });

function readLine(draft: Draft, line: string): string | undefined {
  if (!ALLOWED_CHARS.test(line)) {
    return 'a character is not allowed';
  }
  const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
  if (keyword === undefined || keyword.startsWith('#')) {
    return;
  }
  const read = LINES.get(keyword);
  return read === undefined ? 'the keyword is unknown' : read(draft, items);
}

function readLog(draft: Draft, [key, url, ...rest]: readonly string[]): string | undefined {
  const verifier = readKey(key, 'ed25519');
  if (verifier === undefined || rest.length > 0) {
    return 'a log line is: log <vkey of a log> [url]';
  }
  if (hasKey(draft.logs, verifier)) {
    return 'the key is defined twice';
  }
  draft.logs.push({ verifier, ...(url === undefined ? {} : { url }) });
  return;
}

function readWitness(draft: Draft, items: readonly string[]): string | undefined {
  const [name, key, url, ...rest] = items;
  const verifier = readKey(key, 'cosignature');
  if (name === undefined || verifier === undefined || rest.length > 0) {
    return 'a witness line is: witness <name> <vkey of a witness> [url]';
  }
  if (hasKey(draft.witnesses, verifier)) {
    return 'the key is defined twice';
  }
  draft.witnesses.push({ name, verifier, ...(url === undefined ? {} : { url }) });
  return define(draft, name);
}

function readGroup(draft: Draft, items: readonly string[]): string | undefined {
  const [name, count = '', ...members] = items;
  const threshold = readThreshold(count, members.length);
  if (name === undefined || threshold < 1 || threshold > members.length) {
    return 'a group line is: group <name> <k|any|all> <members>, with k from 1 to their number';
  }
  for (const member of members) {
    if (!draft.defined.has(member)) {
      return 'a member is not defined above';
    }
    if (draft.used.has(member)) {
      return 'a name is a member twice';
    }
    draft.used.add(member);
  }
  draft.groups.push({ name, threshold, members });
  return define(draft, name);
}

/** `any`, `all` or a decimal; 0, which no group may have, for anything else. */
function readThreshold(count: string, members: number): number {
  if (count === 'any') {
    return 1;
  }
  return count === 'all' ? members : (parseDecimal(count) ?? 0);
}

function readQuorum(draft: Draft, [name, ...rest]: readonly string[]): string | undefined {
  if (name === undefined || rest.length > 0) {
    return 'a quorum line is: quorum <name|none>';
  }
  if (draft.quorum !== undefined) {
    return 'there are two quorum lines';
  }
  if (name !== NONE && !draft.defined.has(name)) {
    return 'the quorum is not defined above';
  }
  draft.quorum = { name };
  return;
}

function define(draft: Draft, name: string): string | undefined {
  if (name === NONE || draft.defined.has(name)) {
    return 'the name is taken';
  }
  draft.defined.add(name);
  return;
}

function readKey(text: string | undefined, type: SignatureType): Verifier | undefined {
  try {
    const verifier = parseVerifierKey(text ?? '');
    return verifier.type === type ? verifier : undefined;
  } catch {
    return;
  }
}

/** Keys are one when their bytes are, whatever their names (tlog-policy, "Public key representation"). */
function hasKey(rules: readonly { verifier: Verifier }[], { publicKey }: Verifier): boolean {
  return rules.some(({ verifier }) => verifier.publicKey.equals(publicKey));
}
