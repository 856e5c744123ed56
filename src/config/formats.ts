import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { SecretText } from './secret-text.ts';

/** One root key of the keyring. */
export type KeyringEntry = { kind: 'raw-aes'; path: string } | { kind: 'aws-kms'; arn: string };

/** A right for the whole service that a role has (DESIGN §5). */
export type AdminGrant = { role: string; action: AdminAction };

/** Stands before a key that signs no more. */
const RETIRED = 'retired:';

/** One key of the log: derived from the keyring, or a file. A retired one verifies and signs no more. */
export type AuditKeyEntry = { isRetired: boolean } & (
  | { kind: 'keyring' }
  | { kind: 'file'; path: string }
);

/** Where the last signed state is remembered. */
export type AuditHeadPlace =
  | { kind: 'folder'; path: string }
  | { kind: 'postgres'; url: SecretText };

const ADMIN_ACTIONS = [
  'vault.create',
  'vault.destroy',
  'apikey.manage',
  'principal.suspend',
] as const;
type AdminAction = (typeof ADMIN_ACTIONS)[number];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** True for `localhost` and the addresses that never leave the machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(bare);
  if (family === 0) {
    return bare.toLowerCase() === 'localhost';
  }
  return LOOPBACK.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** A variable whose text is taken as it is. */
export const text = z.string();

export const host = z
  .string()
  .refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value), {
    error: 'must be an IP address or a host name, without a port',
  })
  // The framework would open a second server for its second address, without our deadlines and limits.
  .transform((value) => (value.toLowerCase() === 'localhost' ? '127.0.0.1' : value));

/** A TCP port; 0 asks for any free one. */
export const port = z
  .string()
  .refine((value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535, {
    error: 'must be a port: a whole number from 0 to 65535',
  })
  .transform(Number);

/** How many processes serve; more than there are cores help nobody. */
export const workers = z
  .string()
  .refine((value) => /^\d{1,2}$/.test(value) && Number(value) >= 1 && Number(value) <= 64, {
    error: 'must be a whole number from 1 to 64',
  })
  .transform(Number);

/** A number of bytes, less than a gibibyte; 0 is nothing. */
export const byteCount = z
  .string()
  .refine((value) => /^\d{1,10}$/.test(value) && Number(value) < 1_073_741_824, {
    error: 'must be a number of bytes, less than 1073741824 (1 GiB)',
  })
  .transform(Number);

export const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent'], {
  error: 'must be one of debug, info, warn, error, silent',
});

/** Addresses or CIDR ranges, separated by commas. */
export const networks = z
  .string()
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .refine((parts) => parts.every(isNetwork), {
    error: 'must be a list of IP addresses or CIDR ranges (10.0.0.0/8)',
  });

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const size = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    more.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= size))
  );
}

/** The name of a JWT claim. */
export const claim = z.string().regex(/^[\x21-\x7e]{1,128}$/, {
  error: 'must be the name of a claim, without spaces',
});

/** An OIDC URL: what comes from there decides who may do what, so it must come unaltered. */
export const trustedUrl = z.string().refine(isTrustedUrl, {
  error: 'must be an https URL without credentials (http only on a loopback address)',
});

export const serviceUrl = z
  .string()
  .refine((value) => isTrustedUrl(value) && /^\/?$/.test(new URL(value).pathname), {
    error: 'must be an https URL without a path (http only on a loopback address)',
  });

export const postgresUrl = secretUrl(['postgres:', 'postgresql:']);
export const redisUrl = secretUrl(['redis:', 'rediss:']);
export const secret = z.string().transform((value) => new SecretText(value));

/** `a,b,c` → a list; blanks around the commas do not count. */
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** Public keys of age, `age1…,age1…`. Whether each is one is seen when it is used. */
export const ageRecipients = list.refine(
  (items) => items.every((item) => /^age1[02-9ac-hj-np-z]{50,4000}$/.test(item)),
  { error: 'must be a list of age public keys (age1…), never secret ones' },
);

/** `role:action,role:action` for the actions that concern the whole service. */
export const adminRoles = list
  .refine((items) => items.every((item) => parseAdminGrant(item) !== undefined), {
    error: `must be role:action,… with the actions ${ADMIN_ACTIONS.join(', ')}`,
  })
  .transform((items) => items.flatMap((item) => parseAdminGrant(item) ?? []));

/** `raw-aes:PATH,aws-kms:ARN,…`: the first one wraps new keys, every one can unwrap. */
export const keyring = list
  .refine((items) => items.length > 0 && items.every((item) => parseRootKey(item) !== undefined), {
    error: 'must be raw-aes:PATH or aws-kms:ARN, several separated by commas',
  })
  .refine((items) => !items.some((item) => item.startsWith('aws-kms:')), {
    error: 'names an aws-kms key: those are not built yet, use raw-aes:PATH',
  })
  .refine((items) => items.filter((item) => item.startsWith('raw-aes:')).length <= 1, {
    error: 'names several root keys: that is not built yet, use one raw-aes:PATH',
  })
  .transform((items): KeyringEntry[] => items.flatMap((item) => parseRootKey(item) ?? []));

/** A log's name (C2SP tlog-checkpoint): it stands in signature lines, so no spaces and no plus. */
export const auditOrigin = z
  .string()
  .refine(
    (value) => value.length <= 120 && /^[a-z0-9][a-z0-9.:-]*(\/[a-z0-9._~-]+)*$/i.test(value),
    {
      error:
        'must be a name like counterfoil.example.com/audit: host and path, without scheme, spaces or a slash at the end',
    },
  );

/** `keyring` and paths: every one signs. */
export const auditKeys = list
  .transform((items) =>
    items.map((item): AuditKeyEntry => {
      const isRetired = item.startsWith(RETIRED);
      const name = isRetired ? item.slice(RETIRED.length) : item;
      return name === 'keyring'
        ? { kind: 'keyring', isRetired }
        : { kind: 'file', path: name, isRetired };
    }),
  )
  .refine(
    (keys) => {
      const names = keys.map((key) => (key.kind === 'file' ? key.path : ''));
      const isWhole = keys.every((key) => key.kind === 'keyring' || key.path !== '');
      return isWhole && new Set(names).size === names.length && keys.some((key) => !key.isRetired);
    },
    {
      error:
        'must be keyring or PATH, several separated by commas, each once; retired:… before those that only verify, not all of them',
    },
  );

/** A URL of Postgres, else a folder. Any other URL is a mistake, not a folder of that name. */
export const auditHead = z
  .string()
  .refine((value) => !value.includes('://') || /^postgres(ql)?:/.test(value), {
    error: 'must be a folder, or a URL that begins with postgres:// or postgresql://',
  })
  .transform(
    (value): AuditHeadPlace =>
      value.includes('://')
        ? { kind: 'postgres', url: new SecretText(value) }
        : { kind: 'folder', path: value },
  );

function isTrustedUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') {
    return false;
  }
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

function secretUrl(protocols: readonly string[]) {
  return z
    .string()
    .refine((value) => protocols.includes(protocolOf(value)), {
      error: `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
    })
    .transform((value) => new SecretText(value));
}

/** Not `new URL`: that refuses the empty host by which Postgres URLs mean a local socket. */
function protocolOf(value: string): string {
  return /^([a-z]+:)\/\//.exec(value)?.[1] ?? '';
}

function parseAdminGrant(item: string): AdminGrant | undefined {
  const [, role, name] = /^([^:\s]+):([^:\s]+)$/.exec(item) ?? [];
  const action = ADMIN_ACTIONS.find((known) => known === name);
  return role === undefined || action === undefined ? undefined : { role, action };
}

function parseRootKey(item: string): KeyringEntry | undefined {
  const [, kind, rest = ''] = /^(raw-aes|aws-kms):(.+)$/.exec(item) ?? [];
  if (kind === 'raw-aes') {
    return { kind, path: rest };
  }
  return kind === 'aws-kms' && rest.startsWith('arn:') ? { kind, arn: rest } : undefined;
}
