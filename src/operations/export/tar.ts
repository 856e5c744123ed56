import { type Pack, pack } from 'tar-stream';
import type { LogFile } from './log-files.ts';

/** Bytes alike whenever and wherever the same log is exported: nothing in a header tells of the machine. */
const SAME = { mode: 0o644, uid: 0, gid: 0, type: 'file' } as const;

/**
 * Packs files as they come, as POSIX tar; no more of them is read than is taken from here. `mtime` is that of
 * all of them. Rejects with whatever the files rejected with, and then the archive has no end.
 */
export async function* packTar(files: AsyncIterable<LogFile>, mtime: Date): AsyncGenerator<Buffer> {
  const archive = pack();
  // Its failures come through the loop below, or nobody listens any more; unheard, they would end the process.
  archive.on('error', () => undefined);
  const filling = fill(archive, files, mtime).catch((error: Error) => archive.destroy(error));
  try {
    for await (const chunk of archive) {
      yield chunk as Buffer;
    }
  } finally {
    archive.destroy();
    await filling;
  }
}

async function fill(archive: Pack, files: AsyncIterable<LogFile>, mtime: Date): Promise<void> {
  for await (const file of files) {
    const size = 'bytes' in file ? file.bytes.length : file.size;
    const chunks = 'bytes' in file ? [file.bytes] : file.chunks();
    await addFile(archive, { ...SAME, mtime, name: file.path, size }, chunks);
  }
  archive.finalize();
}

/** Waits for the reader after each chunk, and so keeps one in memory. */
async function addFile(
  archive: Pack,
  header: Parameters<Pack['entry']>[0],
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // Rejected while a chunk is being waited for, it is looked at later.
  done.catch(() => undefined);
  const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
  entry.on('error', reject);
  for await (const chunk of chunks) {
    if (!entry.write(chunk)) {
      await Promise.race([drained(entry), done]);
    }
  }
  entry.end(undefined);
  await done;
}

function drained(entry: ReturnType<Pack['entry']>): Promise<void> {
  return new Promise((resolve) => entry.once('drain', resolve));
}
