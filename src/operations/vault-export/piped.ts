/** Hands a chunk on. Resolves when there is room for the next one; rejects when nobody reads any more. */
export type Write = (chunk: Uint8Array) => Promise<void>;

/**
 * What `run` writes, as it is read: `run` begins with the first read, waits while nobody reads, and has ended
 * when the iteration has. What it rejects with ends the iteration.
 */
export async function* piped(run: (write: Write) => Promise<void>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const running = run((chunk) => writer.write(chunk)).then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  );
  try {
    yield* readable;
  } finally {
    // It failed in what was just thrown, or because its reader has gone.
    await running.catch(() => undefined);
  }
}
