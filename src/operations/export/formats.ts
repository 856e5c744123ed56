import { VaultError } from '../../domain/errors.ts';
import { csvHeader, renderCsv } from './csv.ts';
import { type ExportedEvent, exportedEvents } from './events.ts';
import { logFiles } from './log-files.ts';
import { renderNative } from './native.ts';
import { renderOcsf } from './ocsf.ts';
import type { ExportDeps, ExportFormat, ExportRequest } from './request.ts';
import { packTar } from './tar.ts';

/** A format of lines: what stands in front of them, and the lines of some events. */
type TextFormat = {
  header: string;
  render: (events: readonly ExportedEvent[]) => string;
};

type Context = { origin: string; version: string };

const TEXT_FORMATS: Record<Exclude<ExportFormat, 'tar'>, (context: Context) => TextFormat> = {
  native: () => ({ header: '', render: (events) => events.map(renderNative).join('') }),
  ocsf: (context) => ({
    header: '',
    render: (events) => events.map((event) => renderOcsf(event, context)).join(''),
  }),
  csv: () => ({
    header: csvHeader(),
    render: (events) => renderCsv(events.map(({ view }) => view)),
  }),
};

/**
 * The bytes of an export, as they are taken: events of the shard below the checkpoint's size, one a line, or
 * the whole shard as a static log in a tar, which cannot be confined to a vault or a time: asking for that throws `invalid_request`. What fails on the
 * way (`store_unavailable`, `key_unavailable`, `internal`) rejects in the middle of the bytes: whoever
 * sends them on must then break off, so that they do not look complete.
 */
export function exportStream(deps: ExportDeps, request: ExportRequest): AsyncIterable<Buffer> {
  const { format, checkpoint } = request;
  if (format !== 'tar') {
    return textStream(deps, request, format);
  }
  refuseSelection(request);
  return packTar(logFiles(deps, request), checkpoint.publishedAt);
}

/** Tiles and bundles are of the whole log: a part of it would be taken for all that there is. */
function refuseSelection({ vault, fromMs, toMs }: ExportRequest): void {
  const problems = Object.entries({ vault, from: fromMs, to: toMs })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({ path: `/${name}`, rule: 'not_with_tar' }));
  if (problems.length > 0) {
    throw new VaultError('invalid_request', { problems });
  }
}

async function* textStream(
  deps: ExportDeps,
  request: ExportRequest,
  format: Exclude<ExportFormat, 'tar'>,
): AsyncGenerator<Buffer> {
  const { origin } = request.shard;
  const { header, render } = TEXT_FORMATS[format]({ origin, version: deps.version });
  yield Buffer.from(header);
  for await (const events of exportedEvents(deps, request)) {
    if (events.length > 0) {
      yield Buffer.from(render(events));
    }
  }
}
