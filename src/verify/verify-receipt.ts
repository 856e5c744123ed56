import { type Leaf, readLeaf } from '../domain/audit/read-leaf.ts';
import type { Cosignature } from '../tlog/open-by-policy.ts';
import type { Policy } from '../tlog/policy.ts';
import { parseReceipt, verifyReceipt } from '../tlog/receipt.ts';
import { decodeUtf8 } from '../tlog/text.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { isVouchedFor, readDisclosure } from './disclosure.ts';
import { readEntry } from './read-entry.ts';

/** What a receipt file proves. */
export type VerifiedReceipt = {
  origin: string;
  /** Of the tree in which the receipt proves it. */
  size: number;
  index: number;
  leaf: Leaf;
  /** Disclosures that the leaf vouches for. */
  disclosures: { label: string; value: unknown }[];
  cosignatures: Cosignature[];
};

/**
 * Verifies a receipt file: a tlog-proof whose `extra` is UTF-8 JSON {leaf, disclosures} (AUDIT-LOG §4.7), so
 * that the file and a policy are all that is needed. Throws a `TlogError`: as `verifyReceipt`,
 * `receipt_malformed` when `extra` is not that, `proof_refused` when a disclosure is not the leaf's.
 */
export function verifyReceiptFile(file: string | Uint8Array, policy: Policy): VerifiedReceipt {
  const { extra } = parseReceipt(file);
  const { leafText, texts } = readExtra(extra);
  const leafBytes = Buffer.from(leafText);
  const { checkpoint, cosignatures, index } = verifyReceipt({
    receipt: file,
    leaf: leafBytes,
    policy,
  });
  const leaf = readLeaf(leafText);
  if (leaf === undefined || !readEntry(leafBytes).isCanonical) {
    throw malformed('the leaf is not of version 1');
  }
  const disclosures = texts.map((text) => {
    const disclosure = readDisclosure(text);
    if (disclosure === undefined || !isVouchedFor(leaf, text)) {
      throw new TlogError('proof_refused', { detail: 'a disclosure is not one of the leaf' });
    }
    return disclosure;
  });
  const { origin, size } = checkpoint;
  return { origin, size, index, leaf, disclosures, cosignatures };
}

function readExtra(extra: Buffer | undefined): { leafText: string; texts: string[] } {
  if (extra === undefined) {
    throw malformed('there is no extra line with the leaf');
  }
  const { leaf, disclosures } = parseObject(extra);
  if (typeof leaf !== 'string' || !Array.isArray(disclosures)) {
    throw malformed('extra is not {leaf, disclosures}');
  }
  return { leafText: leaf, texts: disclosures.map(String) };
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    return { ...(JSON.parse(decodeUtf8(bytes)) as object) } as Record<string, unknown>;
  } catch (cause) {
    throw new TlogError('receipt_malformed', { cause, detail: 'extra is not JSON' });
  }
}

function malformed(detail: string): TlogError {
  return new TlogError('receipt_malformed', { detail });
}
