import { VaultError } from '../errors.ts';

/** An address or network as a number: 32 bits wide (IPv4) or 128 (IPv6). */
type Bits = { width: 32 | 128; value: bigint };
type Network = Bits & { prefix: number };

/** `::ffff:0:0/96` (RFC 4291 §2.5.5.2): how a dual-stack socket shows an IPv4 peer. */
const MAPPED = 0xffffn;
const isMapped = ({ width, value }: Bits) => width === 128 && value >> 32n === MAPPED;
const low32 = (value: bigint) => value & 0xffffffffn;

/**
 * Compiles one entry of `sourceIps` (`10.0.0.0/8`, `2001:db8::/32`, or one address) to a test of a
 * textual address; `undefined` when it is none. Host bits below the prefix are ignored. IPv4-mapped
 * IPv6 is IPv4, on both sides; an IPv6 network never covers IPv4 otherwise, so `::/0` is not
 * "everyone". The test throws `internal` when the address is none: the caller decides what is safe.
 */
export function compileCidr(text: string): ((ip: string) => boolean) | undefined {
  const network = parseNetwork(text);
  if (network === undefined) {
    return undefined;
  }
  const shift = BigInt(network.width - network.prefix);
  const masked = network.value >> shift;
  return (ip) => {
    const address = parseAddress(ip);
    return address.width === network.width && address.value >> shift === masked;
  };
}

function parseNetwork(text: string): Network | undefined {
  const [address = '', suffix, ...rest] = text.split('/');
  const bits = parseBits(address);
  if (bits === undefined || rest.length > 0) {
    return undefined;
  }
  const prefix = suffix === undefined ? bits.width : parseDecimal(suffix, bits.width);
  if (prefix === undefined) {
    return undefined;
  }
  return isMapped(bits) && prefix >= 96
    ? { width: 32, value: low32(bits.value), prefix: prefix - 96 }
    : { ...bits, prefix };
}

/** A peer's address. The zone of a link-local one (`fe80::1%eth0`) names our interface, not the peer. */
function parseAddress(ip: string): Bits {
  const bits = parseBits(ip.replace(/%.*$/, ''));
  if (bits === undefined) {
    throw new VaultError('internal', { detail: 'the source address is not an IP address' });
  }
  return isMapped(bits) ? { width: 32, value: low32(bits.value) } : bits;
}

function parseBits(text: string): Bits | undefined {
  const width = text.includes(':') ? 128 : 32;
  const value = width === 128 ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { width, value };
}

/** No leading zeros: some parsers read `010` as eight. */
function parseDecimal(text: string, max: number): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split('.').map((octet) => parseDecimal(octet, 255));
  return octets.length === 4 ? join(octets, 8n) : undefined;
}

/** RFC 4291 §2.2: groups of four hex digits, one `::` at most, the last 32 bits perhaps dotted. */
function parseIpv6(text: string): bigint | undefined {
  const [head = '', tail, ...rest] = text.split('::');
  const left = parseGroups(head, tail === undefined);
  const right = parseGroups(tail ?? '', true);
  const gap = 8 - left.length - right.length;
  const fits = tail === undefined ? gap === 0 : gap >= 1;
  if (rest.length > 0 || !fits) {
    return undefined;
  }
  return join([...left, ...Array.from({ length: gap }, () => 0), ...right], 16n);
}

function parseGroups(text: string, mayEndDotted: boolean): (number | undefined)[] {
  if (text === '') {
    return [];
  }
  return text.split(':').flatMap((group, index, all) => {
    if (mayEndDotted && index === all.length - 1 && group.includes('.')) {
      const value = parseIpv4(group);
      return value === undefined ? [undefined] : [Number(value >> 16n), Number(value & 0xffffn)];
    }
    return [/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : undefined];
  });
}

function join(parts: readonly (number | undefined)[], size: bigint): bigint | undefined {
  let value = 0n;
  for (const part of parts) {
    if (part === undefined) {
      return undefined;
    }
    value = (value << size) | BigInt(part);
  }
  return value;
}
