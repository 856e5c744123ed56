import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

/** One request with full control over target, headers and bytes. */
export type RawRequest = {
  method?: string;
  /** As it goes into the request line. */
  target: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
};

/** Everything that came back, headers and body, as bytes to search. */
export type RawAnswer = { status: number; body: string; bytes: Buffer };

const TIMEOUT_MS = 15_000;
const NO_ANSWER: RawAnswer = { status: 0, body: '', bytes: Buffer.alloc(0) };

/** Sends a request through Node's client, on a connection of its own; status 0 when it was cut. */
export function send(base: string, { method = 'POST', target, headers, body = '' }: RawRequest) {
  // Node's client sends bodies of DELETE and the like without a length: they would be another request.
  const framed = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
  return new Promise<RawAnswer>((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const outgoing = httpRequest(
      { hostname, port, method, path: target, headers: framed, agent: false, timeout: TIMEOUT_MS },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('error', reject);
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const text = Buffer.concat(chunks);
          const head = Buffer.from(
            `${incoming.statusMessage}\n${incoming.rawHeaders.join('\n')}\n`,
          );
          resolve({
            status: incoming.statusCode ?? 0,
            body: text.toString(),
            bytes: Buffer.concat([head, text]),
          });
        });
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server need not read what it has refused; its answer may then be lost with the connection.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve(NO_ANSWER);
      else reject(error);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.end(body);
  });
}

/** Sends bytes that need not be HTTP and gives back what came until the other side closed. */
export function sendBytes(base: string, bytes: string | Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(base);
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    // A server that hangs up on garbage is within its rights.
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    // Not ended: to a server, a client that half-closes has gone.
    socket.on('connect', () => socket.write(bytes));
  });
}

/** Runs `work` on each item, at most `width` at a time. */
export async function eachOf<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  width = 16,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
