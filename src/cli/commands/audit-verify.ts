import { readFile, stat } from 'node:fs/promises';
import { fileProblem } from '../../app/start-error.ts';
import { isLoopback } from '../../config/formats.ts';
import { type Config, loadConfig } from '../../config/load-config.ts';
import { VaultError } from '../../domain/errors.ts';
import { parsePolicy } from '../../tlog/parse-policy.ts';
import type { Policy } from '../../tlog/policy.ts';
import { TlogError } from '../../tlog/tlog-error.ts';
import { openFileSource } from '../../verify/file-source.ts';
import { isClean } from '../../verify/report.ts';
import { verifyLog } from '../../verify/verify-log.ts';
import { verifyReceiptFile } from '../../verify/verify-receipt.ts';
import { findAccess } from '../client.ts';
import { type Arguments, type Command, type Context, textOf, UsageError } from '../command.ts';
import { directoryFiles } from '../log-sources/directory.ts';
import { urlFiles } from '../log-sources/url.ts';
import { renderReceipt, renderReport } from '../render-report.ts';

export const auditVerify: Command = {
  usage: 'DIR|URL|FILE',
  summary: 'Verify an exported log, a served log, or a receipt.',
  options: { policy: { type: 'string' }, since: { type: 'string' } },
  help: [
    'DIR   an exported shard; FILE  a receipt (.tlog-proof): offline, no database, no service',
    'URL   a shard as it is served: https://vault.example/v1/audit/log/2026, or on any web server',
    '--policy FILE        whose signatures to believe (C2SP tlog-policy). Get it from elsewhere: the one in',
    '                     an export says whatever its maker wanted',
    '--since CHECKPOINT   a checkpoint of this log that you kept: nothing before it may have changed',
    'Entries of a URL need COUNTERFOIL_TOKEN, but not those of the service that runs with dev.',
    'Fails when something is wrong with the log, or when the log itself says that events are missing.',
  ],
  run: async (context, args) => {
    const [target, ...rest] = args.words;
    const policyPath = textOf(args, 'policy');
    if (target === undefined || rest.length > 0 || policyPath === undefined) {
      throw new UsageError('expected: DIR|URL|FILE --policy FILE');
    }
    const policy = await readPolicy(policyPath);
    if (!isUrl(target) && !(await isFolder(target))) {
      return verifyReceipt(context, args, { path: target, policy });
    }
    const sincePath = textOf(args, 'since');
    const since = sincePath === undefined ? undefined : await read(sincePath);
    const files = isUrl(target)
      ? urlFiles(await accessTo(target, context))
      : directoryFiles(target);
    const report = await verifyLog(await openFileSource(files), { policy, since });
    context.out(
      args.values['json'] === true ? `${JSON.stringify(report)}\n` : renderReport(report),
    );
    return isClean(report);
  },
};

async function verifyReceipt(
  context: Context,
  args: Arguments,
  { path, policy }: { path: string; policy: Policy },
): Promise<boolean> {
  if (textOf(args, 'since') !== undefined) {
    throw new UsageError('--since makes no sense with a receipt');
  }
  const file = await read(path);
  if (isTar(file)) {
    throw new UsageError(`${path} is a tar file: unpack it to a folder, and verify that`);
  }
  const json = args.values['json'] === true;
  try {
    const receipt = verifyReceiptFile(file, policy);
    context.out(json ? `${JSON.stringify(receipt)}\n` : renderReceipt(receipt));
    return true;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const { code, message } = error;
    context.out(
      json
        ? `${JSON.stringify({ error: message, code })}\n`
        : `FAILED  ${code}: ${message}\n\nThe receipt proves NOTHING.\n`,
    );
    return false;
  }
}

/** The magic of POSIX ustar stands behind the fields of the first header. */
function isTar(file: Buffer): boolean {
  return file.toString('latin1', 257, 262) === 'ustar';
}

async function readPolicy(path: string): Promise<Policy> {
  const file = await read(path);
  try {
    return parsePolicy(file);
  } catch (error) {
    // Its text says which line breaks which rule, and quotes nothing.
    if (error instanceof TlogError)
      throw new UsageError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileProblem(`Cannot read ${path}`, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fileProblem(`Cannot read ${path}`, error);
  }
}

function isUrl(target: string): boolean {
  return /^https?:\/\//i.test(target);
}

async function accessTo(target: string, { env }: Context) {
  if (!URL.canParse(target)) {
    throw new UsageError('that is no URL');
  }
  const { origin, pathname, protocol, hostname } = new URL(target);
  const token = await tokenFor(origin, loadConfig(env, 'client'));
  if (token !== undefined && protocol === 'http:' && !isLoopback(hostname)) {
    throw new VaultError('internal', {
      detail: `A token is not sent without TLS: use https, or run without COUNTERFOIL_TOKEN.`,
    });
  }
  return { base: `${origin}${pathname.replace(/\/+$/, '')}`, token };
}

/** A token belongs to the address that it was set for, or to the one that is verified when none was set. */
async function tokenFor(origin: string, config: Config): Promise<string | undefined> {
  const access = await findAccess(config).catch(() => undefined);
  if (access?.baseUrl === origin) {
    return access.token;
  }
  return config.client.url === undefined ? config.client.token?.reveal() : undefined;
}
