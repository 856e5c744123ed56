import { invalidValue } from './invalid.ts';

const MAX_LOCAL = 64;
/** RFC 5321 §4.5.3.1.3 allows a path of 256 with its angle brackets (RFC 3696 erratum 1690). */
const MAX_ADDRESS = 254;

/** RFC 5322 `atext`, ASCII only. */
const ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+$/;
/** RFC 1123 §2.1 label; punycode (`xn--`) is one. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * Trims, lower-cases the domain and keeps the local part (RFC 5321 §2.4: only its host may judge its
 * case). Dot-string local parts and domains of two or more labels only: no quoted strings, no address
 * literals, no Unicode, where two spellings could look alike.
 */
export function normaliseEmail(raw: string): string {
  const text = raw.trim();
  if (text === '') {
    throw invalidValue('empty');
  }
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const domain = text.slice(at + 1);
  if (text.length > MAX_ADDRESS || local.length > MAX_LOCAL) {
    throw invalidValue('not_email');
  }
  if (!isLocalPart(local) || !isDomain(domain)) {
    throw invalidValue('not_email');
  }
  return `${local}@${domain.toLowerCase()}`;
}

function isLocalPart(text: string): boolean {
  return text.split('.').every((atom) => ATOM.test(atom));
}

/** A last label of digits only would be an IPv4 address (RFC 3696 §2). */
function isDomain(text: string): boolean {
  const labels = text.split('.');
  const last = labels.at(-1) ?? '';
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && !/^[0-9]+$/.test(last);
}
