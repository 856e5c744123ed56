import { invalidValue } from './invalid.ts';

/**
 * `AAA-GG-SSSS`, given with both hyphens or none. Issuable numbers only (SSA, since 2011): area not
 * 000, 666 or 900–999 (those are ITINs and our own tokens), group not 00, serial not 0000.
 */
export function normaliseUsSsn(raw: string): string {
  const match = /^([0-9]{3})(-?)([0-9]{2})\2([0-9]{4})$/.exec(raw);
  const [, area = '', , group = '', serial = ''] = match ?? [];
  const issuable = area < '900' && area !== '000' && area !== '666' && group !== '00';
  if (match === null || !issuable || serial === '0000') {
    throw invalidValue('not_ssn');
  }
  return `${area}-${group}-${serial}`;
}
