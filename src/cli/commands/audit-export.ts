import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { loadConfig } from '../../config/load-config.ts';
import { EXPORT_FORMATS, type ExportFormat } from '../../operations/export/request.ts';
import { openClient } from '../client.ts';
import { type Arguments, type Command, textOf, UsageError } from '../command.ts';
import { periodOf } from '../period-of.ts';
import { saveFile } from '../save-file.ts';
import { checkUnpackTarget, unpackTar } from '../unpack-tar.ts';

export const auditExport: Command = {
  usage: '',
  summary: 'Export the audit log, up to its newest checkpoint, to a file or a folder.',
  options: {
    format: { type: 'string' },
    shard: { type: 'string' },
    vault: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    out: { type: 'string' },
  },
  help: [
    '--format F   native (JSON lines that prove themselves), ocsf (OCSF 1.8 API Activity), csv, or tar: the',
    '             whole shard with tiles and checkpoint, for audit verify',
    '--out PATH   the file to write; with tar a new folder to unpack to, or a file that ends in .tar',
    '--shard S    which shard (default: the one that takes events now)',
    '--vault V    events of this vault only; not with tar',
    '--from T     not before this date or time, in UTC: 2026-01-31 or 2026-01-31T12:00Z; not with tar',
    '--to T       before this date or time; not with tar',
    'Asks the service at COUNTERFOIL_URL with COUNTERFOIL_TOKEN, else the one that runs with dev. What is',
    'exported holds personal data, and stays when the log forgets them.',
  ],
  run: async (context, args) => {
    const format = parseFormat(textOf(args, 'format'));
    const out = textOf(args, 'out');
    if (out === undefined || out === '') {
      throw new UsageError('--out is required');
    }
    const path = resolve(out);
    const isFolder = format === 'tar' && !path.endsWith('.tar');
    const body = { format, ...selectionOf(format, args) };
    if (isFolder) {
      await checkUnpackTarget(path);
    }
    const client = await openClient(loadConfig(context.env, 'client'));
    const response = await client.request({ method: 'POST', path: '/v1/audit/export', body });
    const content = Readable.fromWeb(response.body ?? new ReadableStream());
    const made = await (isFolder ? unpackTar(content, path) : saveFile(content, path));
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ format, path, ...made })}\n`
        : `exported ${made.files === undefined ? '' : `${made.files} files, `}${made.bytes} bytes to ${path}\n`,
    );
    return true;
  },
};

function parseFormat(text: string | undefined): ExportFormat {
  const format = EXPORT_FORMATS.find((known) => known === text);
  if (format === undefined) {
    throw new UsageError(`--format must be one of ${EXPORT_FORMATS.join(', ')}`);
  }
  return format;
}

function selectionOf(format: ExportFormat, args: Arguments): object {
  const vault = textOf(args, 'vault');
  const shard = textOf(args, 'shard');
  const part = { ...(vault !== undefined && { vault }), ...periodOf(args) };
  const [option] = Object.keys(part);
  if (format === 'tar' && option !== undefined) {
    throw new UsageError(`--${option} makes no sense with tar, which is the whole shard`);
  }
  return { ...part, ...(shard !== undefined && { shard }) };
}
