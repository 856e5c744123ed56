import { eventTerm, purposeFacet, type TermKind, termOf } from '../../crypto/audit-term.ts';
import type { Keysets } from '../../crypto/keysets.ts';
import { monthOf } from '../../crypto/private-cipher.ts';
import { randomBytes } from '../../crypto/random.ts';
import type { SecretKey } from '../../crypto/secret.ts';
import type { Leaf } from '../../domain/audit/read-leaf.ts';
import { openEvent } from '../../operations/export/events.ts';
import type { AuditReader, Shard } from '../../operations/ports/audit-reader.ts';
import type { Findings } from '../../verify/findings.ts';
import { unlessDamaged } from './fsck-source.ts';

/** One event of so many is looked up. */
const EVERY = 256;
/** Tokens of one event that are asked for; it may have a thousand. */
const MAX_TOKENS = 8;

type Deps = {
  reader: AuditReader;
  keysets?: Pick<Keysets, 'findPrivateCipher' | 'auditTerms'> | undefined;
  findings: Findings;
};

/**
 * Checks that events are found by what they say: who takes terms or facets out of the index hides events
 * from every search, and leaves the tree as it is. A sample, another one in each pass: one event of 256 is
 * looked up by its id, and searched for by everything that its leaf and its disclosures say, at once.
 */
export function makeIndexCheck(deps: Deps, shard: Shard) {
  const { reader, findings } = deps;
  const first = randomBytes(1).readUInt8();
  let checked = 0;

  return {
    checked: () => checked,
    async take(index: number, leaf: Leaf): Promise<void> {
      if ((index + first) % EVERY !== 0 || index < shard.minIndex) {
        return;
      }
      checked += 1;
      const isFound = await unlessDamaged(findings, `entry ${index}`, () =>
        isFoundBy({ ...deps, reader }, { logId: shard.logId, index, leaf }),
      );
      if (isFound === false) findings.add('index_wrong', `entry ${index}`);
    },
  };
}

type Sample = { logId: number; index: number; leaf: Leaf };

async function isFoundBy(deps: Deps, { logId, index, leaf }: Sample): Promise<boolean> {
  const { reader } = deps;
  const stored = await reader.findEvent(leaf.id);
  if (stored?.logId !== logId || stored.index !== index) {
    return false;
  }
  const terms = await termsOf(deps, { leaf, stored });
  const vault = leaf.vlt === undefined ? [] : [`vlt:${leaf.vlt}`];
  const facets = [`op:${leaf.op}`, `out:${leaf.out}`, ...vault, ...terms.facets];
  const { events } = await reader.search({
    termGroups: [eventTerm(leaf.id), ...terms.hashes].map((hash) => [hash]),
    facetGroups: facets.map((facet) => [facet]),
    fromMs: leaf.t,
    toMs: leaf.t + 1,
    limit: 1,
  });
  return events[0]?.logId === logId && events[0].index === index;
}

/** Terms and facets of what can still be opened. Without the month's key there are none. */
async function termsOf(
  { keysets }: Deps,
  { leaf, stored }: { leaf: Leaf; stored: Parameters<typeof openEvent>[1]['stored'] },
): Promise<{ hashes: bigint[]; facets: string[] }> {
  const month = monthOf(leaf.t);
  // No month has a number when no calendar holds the time.
  const key = (await keysets?.auditTerms())?.find((each) => each.month === month)?.key;
  if (keysets === undefined || key === undefined) {
    return { hashes: [], facets: [] };
  }
  const { view } = await openEvent(keysets, { stored, leaf, shard: '' });
  const terms: [TermKind, string | undefined][] = [
    ['actor', view.actor?.subject],
    ['reference', view.reference],
    ...(view.tokens ?? [])
      .slice(0, MAX_TOKENS)
      .map((token): [TermKind, string] => ['token', token]),
  ];
  return {
    hashes: terms.flatMap(([kind, text]) => hashOf(key, kind, text)),
    facets: hashOf(key, 'purpose', view.purpose).map(purposeFacet),
  };
}

function hashOf(key: SecretKey, kind: TermKind, text: string | undefined): bigint[] {
  return text === undefined ? [] : [termOf(key, kind, text).hash];
}
