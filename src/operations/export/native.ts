import type { ExportedEvent } from './events.ts';

/**
 * One line of JSON an event: the event as a search shows it, `leaf` (the text whose UTF-8 was hashed) and
 * `disclosures`, whose SHA-256 the leaf lists. So a line can be read at once, and proved later.
 */
export function renderNative({ view, bytes, disclosures }: ExportedEvent): string {
  const { who, what } = disclosures;
  const line = {
    ...view,
    leaf: bytes.toString('utf8'),
    disclosures: [who, what].filter((text) => text !== undefined),
  };
  return `${JSON.stringify(line)}\n`;
}
