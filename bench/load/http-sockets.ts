import { connect, type Socket } from 'node:net';
import { makeRequests, type Workload } from './workload.ts';

/** A pool of keep-alive connections to one server, one request at a time on each. */
export type Sockets = {
  /** Sends the workload's next request; resolves with its whole answer, rejects when that is no success. */
  send(): Promise<void>;
  close(): void;
};

type Waiting = { resolve: () => void; reject: (error: Error) => void };

/**
 * Speaks just enough HTTP/1.1 (RFC 9112) to a server of ours, which answers with Content-Length: a third of the
 * CPU of Node's own client, which the server that is measured can then have.
 */
export function openSockets(url: string, workload: Workload, count: number): Sockets {
  const { hostname, port, host } = new URL(url);
  const next = makeRequests(workload, Date.now().toString(36));
  const free: ((waiting: Waiting) => void)[] = [];
  const queue: Waiting[] = [];
  const text = () => {
    const { path, body } = next();
    return (
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${workload.token}\r\n` +
      `Content-Type: ${workload.mediaType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    );
  };
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const exchange = makeExchange(socket, text);
    const work = (waiting: Waiting) =>
      exchange((error) => {
        if (error === undefined) waiting.resolve();
        else waiting.reject(error);
        const waits = queue.shift();
        if (waits === undefined) free.push(work);
        else work(waits);
      });
    free.push(work);
    return socket;
  });
  return {
    send: () =>
      new Promise((resolve, reject) => {
        const work = free.pop();
        if (work === undefined) queue.push({ resolve, reject });
        else work({ resolve, reject });
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Answered = (error: Error | undefined) => void;

function makeExchange(socket: Socket, text: () => string): (answered: Answered) => void {
  let received: Buffer = Buffer.alloc(0);
  let waiting: Answered | undefined;
  const settle = (error: Error | undefined) => {
    const answered = waiting;
    waiting = undefined;
    received = Buffer.alloc(0);
    answered?.(error);
  };
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const status = statusOfWhole(received);
    if (status !== undefined) {
      settle(status < 300 ? undefined : new Error(`answered with ${status}`));
    }
  });
  socket.on('error', settle);
  socket.on('close', () => settle(new Error('the connection was closed')));
  return (answered) => {
    waiting = answered;
    socket.write(text());
  };
}

/** The status of an answer, when all of it is there. */
export function statusOfWhole(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return received.length >= end + 4 + length ? Number(head.slice(9, 12)) : undefined;
}
