// The load of the overload scenario, in a process of its own: requests over raw sockets of loopback, either at a fixed
// rate, whatever the answers (open loop), or each connection as fast as it is answered (closed loop).
import { connect, type Socket } from 'node:net';

export type LoadOrder = {
  port: number;
  path: string;
  bearer: string;
  bodies: readonly string[];
  connections: number;
  seconds: number;
  /** Requests a second; without it the loop is closed. */
  rate?: number;
};

/** Half a second of a load. Times are of answers 200 and run from the moment of sending. */
export type LoadSlice = {
  offered: number;
  /** Had no free connection, and were never sent. */
  unsent: number;
  ok: number;
  refused: number;
  failed: number;
  ms: number[];
};

export const SLICE_MS = 500;
const TICK_MS = 1;

function requestsOf({ path, bearer, bodies }: LoadOrder): Buffer[] {
  return bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${bearer}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
}

/** Calls `answered` with the status of each whole answer on a socket. */
function readAnswers(socket: Socket, answered: (status: number) => void): void {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    if (text.length < end + 4 + Number(length)) return;
    const status = Number(text.slice(9, 12));
    text = '';
    answered(status);
  });
}

const empty = (): LoadSlice => ({ offered: 0, unsent: 0, ok: 0, refused: 0, failed: 0, ms: [] });

/** Loads a server for some seconds, and gives what came of it in slices by the time of the answer. */
async function load(order: LoadOrder): Promise<LoadSlice[]> {
  const requests = requestsOf(order);
  const slices: LoadSlice[] = [];
  const free: (() => void)[] = [];
  const startedMs = performance.now();
  let sent = 0;
  let isOver = false;
  const slice = (): LoadSlice => {
    const at = Math.floor((performance.now() - startedMs) / SLICE_MS);
    slices[at] ??= empty();
    return slices[at];
  };
  const sockets = new Set<Socket>();
  const open = () => {
    const socket = connect(order.port, '127.0.0.1');
    sockets.add(socket);
    socket.setNoDelay(true);
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      sent += 1;
      socket.write(requests[sent % requests.length] ?? '');
    };
    const next = () => {
      if (isOver) socket.destroy();
      else if (order.rate === undefined) {
        slice().offered += 1;
        send();
      } else free.push(send);
    };
    socket.once('connect', next);
    readAnswers(socket, (status) => {
      const now = slice();
      if (status === 200) {
        now.ok += 1;
        now.ms.push(performance.now() - sentMs);
      } else if (status === 503) now.refused += 1;
      else now.failed += 1;
      next();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      if (isOver) return;
      slice().failed += 1;
      // A server that closes at once shall not be asked thousands of times a second.
      setTimeout(() => isOver || open(), 100);
    });
  };
  for (let count = 0; count < order.connections; count += 1) open();

  let offered = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * (order.rate ?? 0));
    for (; offered < due; offered += 1) {
      const now = slice();
      now.offered += 1;
      const send = free.shift();
      if (send === undefined) now.unsent += 1;
      else send();
    }
  }, TICK_MS);
  await new Promise((resolve) => setTimeout(resolve, order.seconds * 1000));
  isOver = true;
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  const length = Math.floor((order.seconds * 1000) / SLICE_MS);
  // Where nothing at all happened there is none yet.
  return Array.from({ length }, (_, at) => slices[at] ?? empty());
}

process.on('message', (order: LoadOrder) => {
  void load(order).then((slices) => process.send?.(slices));
});
process.once('disconnect', () => process.exit());
