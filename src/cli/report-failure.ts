import { ConfigError } from '../config/load-config.ts';
import { ERRORS, VaultError } from '../domain/errors.ts';
import { UsageError } from './command.ts';

/**
 * What to tell the operator about a failure: one line, or one per problem where there are several.
 * Never a stack trace: what an operator can mend needs none, and what nobody foresaw may hold data.
 */
export function describeFailure(error: unknown): string[] {
  if (error instanceof ConfigError || error instanceof UsageError) {
    return error.message.split('\n');
  }
  if (error instanceof VaultError) {
    const problems = error.problems.map(({ path, rule, hint }) =>
      ['  ', path, path === '' ? '' : ': ', rule, hint === undefined ? '' : ` (${hint})`].join(''),
    );
    return [describeVaultError(error), ...problems];
  }
  return [describeListen(error) ?? `something went wrong inside (${nameOf(error)})`];
}

/** What an operator can mend, by SQLSTATE (PostgreSQL, appendix A). */
const POSTGRES: Readonly<Record<string, string>> = {
  '28P01': 'Postgres refuses the password',
  '28000': 'Postgres refuses this user',
  '3D000': 'Postgres has no such database',
  '42501': 'the Postgres role lacks a right that this needs',
  '53300': 'Postgres has no free connection',
};

/** The adapters keep what a driver said to themselves; say at least where to look. */
function describeVaultError({ code, message, cause }: VaultError): string {
  if (code !== 'store_unavailable' || message !== ERRORS[code].title) {
    return message;
  }
  const sqlstate = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const what = POSTGRES[sqlstate] ?? 'Postgres cannot be reached';
  return `${what}: check DATABASE_URL and COUNTERFOIL_MIGRATE_URL.`;
}

const LISTEN: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
};

function describeListen(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen')) {
    return undefined;
  }
  const { code, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const why = LISTEN[code ?? ''] ?? `cannot be listened on (${code})`;
  return `Address ${address} port ${port} ${why}: free it, or set COUNTERFOIL_HOST, COUNTERFOIL_HTTP_PORT or COUNTERFOIL_ADMIN_PORT (0 = any free port).`;
}

/** Class and code only: the message of an unknown error may quote anything. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return 'no error object';
  }
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name;
}
