import type { VaultDigests } from '../../crypto/vault-digests.ts';
import { VaultError } from '../../domain/errors.ts';
import type { JsonValue } from '../operation.ts';

const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 256;

/**
 * Keyed digests of the tags in metadata, by which its token can be found: of its top-level members those
 * that are short strings, numbers or booleans. Anything else is kept, but cannot be searched for.
 * @throws VaultError `invalid_request` for more than 32 tags
 */
export function tagsOf(
  digests: VaultDigests,
  metadata: { [name: string]: JsonValue } | undefined,
): Buffer[] {
  if (metadata === undefined) return [];
  const tags = Object.entries(metadata).filter(([, value]) => isTag(value));
  if (tags.length > MAX_TAGS) {
    throw new VaultError('invalid_request', {
      problems: [{ path: '/metadata', rule: 'too_many_tags' }],
    });
  }
  return tags.map(([name, value]) => digests.tag(name, JSON.stringify(value)));
}

function isTag(value: JsonValue): boolean {
  return typeof value === 'string'
    ? // As many code points as a search may ask for.
      Array.from(value).length <= MAX_TAG_CHARACTERS
    : typeof value === 'number' || typeof value === 'boolean';
}
