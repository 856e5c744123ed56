import { sha256Hex } from '../../crypto/digest.ts';
import { randomBytes } from '../../crypto/random.ts';
import { ERRORS, type ErrorCode, VaultError } from '../../domain/errors.ts';
import type { Client } from '../client.ts';
import type { Input } from './input.ts';
import { findProgress, type Output, openOutput, type Progress } from './output.ts';
import { makeProgressBar } from './progress-bar.ts';
import type { BulkRecord, RecordFormat } from './record.ts';
import { type ItemFate, sendBatch } from './send.ts';

/** What tokenizing and detokenizing differ in. */
export type BulkCall = {
  /** Below `/v1`. */
  path: string;
  /** The member of an answer that takes the value's place. */
  member: 'token' | 'value';
  /** The body of a request for these texts; `place` is an index into `names`. */
  bodyOf: (items: readonly { text: string; place: number; subject?: string }[]) => object;
  /** True when repeating a request could make a second token. */
  isKeyed: boolean;
  /** Items of one request, at most 1,000 (DESIGN §10). */
  maxItems: number;
};

export type BulkJob = {
  call: BulkCall;
  format: RecordFormat;
  /** Columns or paths; the first `swapped` are swapped, and one after them may name the subject. */
  names: readonly string[];
  swapped: number;
  input: Input;
  /** Absent: whole records go to `print`, and a run that breaks off cannot be taken up again. */
  outputPath: string | undefined;
  /** Absent: the first item that fails for good ends the run. */
  failuresPath: string | undefined;
  /** Requests under way at once. */
  parallel: number;
  /** What this job is, as a text that holds no value: to know it again. */
  identity: string;
};

/** What a run has done, in this process and before. */
export type BulkResult = { records: number; failed: number; resumedAt: number };

type Deps = {
  client: Client;
  stop: AbortSignal;
  print: (text: string) => void;
  /** Present where a terminal shows it. */
  showProgress: ((text: string) => void) | undefined;
};

/** Answers between two moments that a killed run goes on from. */
const KEEP_EVERY_CHUNKS = 16;
const RUN_BYTES = 16;

type Chunk = { index: number; records: readonly BulkRecord[] };
type Done = { chunk: Chunk; text: string; failures: string; failed: number };

/**
 * Swaps every named place of every record. Requests go out side by side, answers are written in the order
 * of the records. With an output file, a run that was killed goes on where it had come to: requests whose
 * answers were not kept are sent again under their old keys, so that no value gets a second token.
 */
export async function runBulk(job: BulkJob, deps: Deps): Promise<BulkResult> {
  const { outputPath, failuresPath } = job;
  const earlier =
    outputPath === undefined ? undefined : await findProgress(outputPath, job.identity);
  const output =
    outputPath === undefined
      ? printingOutput(deps.print)
      : await openOutput({ path: outputPath, failuresPath, progress: earlier });
  let isBegun = earlier !== undefined;
  const begun = () => {
    isBegun = true;
  };
  try {
    const result = await swapAll(job, deps, { earlier, output, begun });
    await output.finish();
    return result;
  } catch (error) {
    // Refused before anything was swapped: nothing is to be taken up again, another command line may follow.
    await (isRefusal(error) && !isBegun ? output.discard() : output.close());
    throw error;
  }
}

/** True for an answer that says no: nothing was done. */
function isRefusal(error: unknown): boolean {
  return error instanceof VaultError && !ERRORS[error.code].retryable;
}

function printingOutput(print: (text: string) => void): Output {
  return {
    append: async (text) => print(text),
    keep: async () => {},
    finish: async () => {},
    close: async () => {},
    discard: async () => {},
  };
}

async function swapAll(
  job: BulkJob,
  deps: Deps,
  { earlier, output, begun }: { earlier: Progress | undefined; output: Output; begun: () => void },
): Promise<BulkResult> {
  const { input, format, parallel } = job;
  const from = earlier ?? { offset: 0, number: 0, chunk: 0, failedRecords: 0 };
  const run = earlier?.run ?? randomBytes(RUN_BYTES).toString('hex');
  const source = await format.open(input.open(from.offset), earlier);
  const fixed = { job: job.identity, run, head: source.head };
  if (earlier === undefined) {
    await output.append(source.head, '');
    // Before the first request: a run that is killed now must know its keys again.
    const start = { chunk: 0, offset: Buffer.byteLength(source.head), number: 0, failedRecords: 0 };
    await output.keep({ ...fixed, ...start });
  }
  const bar = deps.showProgress && openBar(deps.showProgress, input, from);
  let failed = from.failedRecords;
  let records = from.number;
  const take = async ({ chunk, text, failures, failed: more }: Done) => {
    await output.append(text, failures);
    const last = chunk.records.at(-1);
    records = last?.number ?? records;
    failed += more;
    bar?.draw({ records, bytes: last?.endAt ?? 0 });
    // Without keys nothing may be asked twice: it may have cost a reveal.
    const isDue = !job.call.isKeyed || chunk.index % KEEP_EVERY_CHUNKS === 0;
    if (isDue && last !== undefined) {
      const place = { offset: last.endAt, number: last.number };
      await output.keep({ ...fixed, chunk: chunk.index, ...place, failedRecords: failed });
    }
  };
  const chunks = chunksOf(source.records, { job, first: from.chunk + 1 });
  try {
    await inOrder(chunks, parallel, {
      work: (chunk, broken) => {
        const stop = AbortSignal.any([deps.stop, broken]);
        return swapChunk(job, { ...deps, stop }, { chunk, run, begun });
      },
      take,
    });
  } finally {
    bar?.clear();
  }
  return { records, failed, resumedAt: from.number };
}

function openBar(
  write: (text: string) => void,
  { size }: Input,
  { number, offset }: { number: number; offset: number },
) {
  const from = { records: number, bytes: offset };
  return makeProgressBar({ write, total: size, from, nowMs: () => performance.now() });
}

/** Records in groups that depend on their number alone: a resumed run forms the same ones. */
async function* chunksOf(
  records: AsyncIterable<BulkRecord>,
  { job, first }: { job: BulkJob; first: number },
): AsyncGenerator<Chunk> {
  const size = Math.max(1, Math.floor(job.call.maxItems / Math.max(1, job.swapped)));
  let index = first;
  let group: BulkRecord[] = [];
  for await (const record of records) {
    group.push(record);
    if (group.length === size) {
      yield { index, records: group };
      index += 1;
      group = [];
    }
  }
  if (group.length > 0) yield { index, records: group };
}

/**
 * Works on up to `parallel` items at once, and takes the results in the order of the items. When it breaks
 * off, it tells what is still at work to give up, and ends after it.
 */
async function inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  parallel: number,
  {
    work,
    take,
  }: {
    work: (item: Item, broken: AbortSignal) => Promise<Result>;
    take: (result: Result) => Promise<void>;
  },
): Promise<void> {
  const waiting: Promise<Result>[] = [];
  const broken = new AbortController();
  try {
    for await (const item of items) {
      const result = work(item, broken.signal);
      // Heard of when its turn comes.
      result.catch(() => {});
      waiting.push(result);
      const first = waiting.length < parallel ? undefined : waiting.shift();
      if (first !== undefined) await take(await first);
    }
    for (const result of waiting) await take(await result);
  } finally {
    broken.abort();
    await Promise.allSettled(waiting);
  }
}

async function swapChunk(
  job: BulkJob,
  { client, stop }: Deps,
  { chunk, run, begun }: { chunk: Chunk; run: string; begun: () => void },
): Promise<Done> {
  stop.throwIfAborted();
  const { call, swapped } = job;
  const items = chunk.records.flatMap(({ values }, record) =>
    values.slice(0, swapped).flatMap((text, place) => {
      const subject = values[swapped];
      return text === undefined ? [] : [{ text, place, record, ...(subject && { subject }) }];
    }),
  );
  // With the body in it: a record that was mended meanwhile makes it another request.
  const keyOf = (body: string) => sha256Hex(run, String(chunk.index), body);
  const batch = {
    path: `/v1${call.path}`,
    items,
    bodyOf: call.bodyOf,
    ...(call.isKeyed && { keyOf }),
  };
  const fates =
    items.length === 0
      ? []
      : await sendBatch(client, batch, { stop, member: call.member }).catch((error: unknown) => {
          // No answer is no refusal: what it asked for may have been done.
          if (!isRefusal(error)) begun();
          throw error;
        });
  begun();
  const byRecord = chunk.records.map(() => new Map<number, ItemFate>());
  for (const [index, { record, place }] of items.entries()) {
    const fate = fates[index];
    if (fate !== undefined) byRecord[record]?.set(place, fate);
  }
  return renderChunk(job, chunk, byRecord);
}

function renderChunk(
  { names, swapped, outputPath, failuresPath }: BulkJob,
  chunk: Chunk,
  byRecord: readonly ReadonlyMap<number, ItemFate>[],
): Done {
  let text = '';
  let failures = '';
  let failed = 0;
  for (const [index, record] of chunk.records.entries()) {
    const fates = byRecord[index] ?? new Map<number, ItemFate>();
    const wrong = [...fates].flatMap(([place, fate]) =>
      'code' in fate ? [{ name: names[place] ?? '', code: fate.code }] : [],
    );
    const [first] = wrong;
    if (first !== undefined && failuresPath === undefined) {
      throw new VaultError(first.code, {
        detail: `Record ${record.number}, ${first.name}: ${ERRORS[first.code].title} (${first.code}). ${adviceFor(first.code, outputPath)}`,
      });
    }
    for (const { name, code } of wrong)
      failures += `${record.number},${JSON.stringify(name)},${code}\n`;
    failed += Number(wrong.length > 0);
    if (wrong.length === 0) text += record.render(textsOf(fates, swapped));
  }
  return { chunk, text, failures, failed };
}

function adviceFor(code: ErrorCode, outputPath: string | undefined): string {
  if (code === 'field_unknown' || code === 'view_not_granted') return 'Check --field and --view.';
  // What this command sends is well-formed; only volatile fields refuse to be repeatable.
  if (code === 'invalid_request') return 'Fields of mode volatile cannot be filled from files.';
  return outputPath === undefined
    ? 'Mend it, or name files with --out and --failures.'
    : 'Mend it, or name a file with --failures for records that fail. What is done is kept: the same command goes on from there.';
}

function textsOf(fates: ReadonlyMap<number, ItemFate>, swapped: number): (string | undefined)[] {
  return Array.from({ length: swapped }, (_, place) => {
    const fate = fates.get(place);
    return fate !== undefined && 'text' in fate ? fate.text : undefined;
  });
}
