// The load of the overload scenario, in a process of its own: requests over raw sockets of loopback, either at a fixed
// rate, whatever the answers (open loop), or each connection as fast as it is answered (closed loop).
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type LoadOrder = {
  port: number;
  path: string;
  bearer: string;
  bodies: readonly string[];
  connections: number;
  /** One after the other, on the same connections. */
  phases: readonly Phase[];
};

/** `rate`: requests a second; without it the loop is closed, in all phases of an order. */
export type Phase = { seconds: number; rate?: number };

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
/** Connections are opened so many at a time: more than a server's backlog holds would wait for a second. */
const OPENED_AT_ONCE = 256;
const OPEN_WITHIN_MS = 20_000;

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

/** How many requests are due so many milliseconds after the beginning. */
export function dueAt(phases: readonly Phase[], elapsedMs: number): number {
  let due = 0;
  let leftMs = elapsedMs;
  for (const { seconds, rate = 0 } of phases) {
    due += (Math.max(0, Math.min(leftMs, seconds * 1_000)) / 1_000) * rate;
    leftMs -= seconds * 1_000;
  }
  return Math.floor(due);
}

/** What came of a load, by the time at which it came. */
function makeTally() {
  let slices: LoadSlice[] = [];
  let startedMs = performance.now();
  return {
    /** What came before is forgotten. */
    begin() {
      slices = [];
      startedMs = performance.now();
    },
    elapsedMs: () => performance.now() - startedMs,
    now(): LoadSlice {
      const at = Math.floor((performance.now() - startedMs) / SLICE_MS);
      slices[at] ??= empty();
      return slices[at];
    },
    /** Where nothing at all happened there is none yet. */
    first: (count: number) => Array.from({ length: count }, (_, at) => slices[at] ?? empty()),
  };
}

type Tally = ReturnType<typeof makeTally>;

/** Opens the connections of a load. In a closed loop each sends again when it is answered, once `begin` was called. */
async function openPool(order: LoadOrder, tally: Tally) {
  const isClosedLoop = order.phases.every(({ rate }) => rate === undefined);
  const requests = requestsOf(order);
  const free: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let [sent, opened] = [0, 0];
  let [hasBegun, isOver] = [false, false];

  const open = () => {
    const socket = connect(order.port, '127.0.0.1');
    sockets.add(socket);
    socket.setNoDelay(true);
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      sent += 1;
      tally.now().offered += isClosedLoop ? 1 : 0;
      socket.write(requests[sent % requests.length] ?? '');
    };
    const next = () => {
      if (isOver) socket.destroy();
      else if (isClosedLoop && hasBegun) send();
      else free.push(send);
    };
    socket.once('connect', () => {
      opened += 1;
      next();
    });
    readAnswers(socket, (status) => {
      count(tally.now(), status, performance.now() - sentMs);
      next();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      if (isOver) return;
      tally.now().failed += 1;
      // A server that closes at once shall not be asked thousands of times a second.
      setTimeout(() => isOver || open(), 100);
    });
  };

  for (let asked = 0; asked < order.connections; ) {
    const until = Math.min(asked + OPENED_AT_ONCE, order.connections);
    for (; asked < until; asked += 1) open();
    const giveUpAtMs = performance.now() + OPEN_WITHIN_MS;
    while (opened < asked && performance.now() < giveUpAtMs) await sleep(5);
  }
  return {
    free,
    begin() {
      hasBegun = true;
      if (isClosedLoop) for (const send of free.splice(0)) send();
    },
    close() {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function count(slice: LoadSlice, status: number, ms: number): void {
  if (status === 200) {
    slice.ok += 1;
    slice.ms.push(ms);
  } else if (status === 503) slice.refused += 1;
  else slice.failed += 1;
}

/** Loads a server, and gives what came of it in slices. */
async function load(order: LoadOrder): Promise<LoadSlice[]> {
  const tally = makeTally();
  const { free, begin, close } = await openPool(order, tally);
  tally.begin();
  begin();
  let offered = 0;
  const timer = setInterval(() => {
    for (const due = dueAt(order.phases, tally.elapsedMs()); offered < due; offered += 1) {
      const now = tally.now();
      now.offered += 1;
      const send = free.shift();
      if (send === undefined) now.unsent += 1;
      else send();
    }
  }, TICK_MS);
  const ms = order.phases.reduce((sum, { seconds }) => sum + seconds * 1_000, 0);
  await sleep(ms);
  clearInterval(timer);
  close();
  return tally.first(Math.floor(ms / SLICE_MS));
}

process.on('message', (order: LoadOrder) => {
  void load(order).then((slices) => process.send?.(slices));
});
process.once('disconnect', () => process.exit());
