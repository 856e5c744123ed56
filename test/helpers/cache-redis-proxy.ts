// A TCP proxy in front of Redis that can be every kind of sick.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `pass`; `delay`: every answer comes so much later; `silent`: the connection stays, and nothing comes
 * (half-open TCP); `refuse`: connections are cut at once; `error`: this line answers every command.
 */
export type Illness =
  | { kind: 'pass' }
  | { kind: 'delay'; ms: number }
  | { kind: 'silent' }
  | { kind: 'refuse' }
  | { kind: 'error'; line: string };

export type RedisProxy = {
  url: string;
  /** From now on, for open connections too. */
  set(illness: Illness): void;
  /** Cuts what is open. */
  cut(): void;
  /** Commands with these names that arrived so far; all without names. */
  commands(...names: string[]): number;
  /** Bytes that Redis has sent so far. */
  answeredBytes(): number;
  close(): Promise<void>;
};

/** Starts a proxy that is well. */
export async function startRedisProxy(redisUrl: string): Promise<RedisProxy> {
  const { hostname, port } = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const ended = new AbortController();
  const counts = new Map<string, number>();
  let illness: Illness = { kind: 'pass' };
  let answered = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (illness.kind === 'refuse') {
      client.destroy();
      return;
    }
    const redis = connect({ host: hostname, port: Number(port) });
    keep(redis);
    const read = makeCommandReader((name) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (illness.kind === 'error') client.write(`-${illness.line}\r\n`);
    });
    client.on('data', (bytes: Buffer) => {
      read(bytes);
      if (illness.kind === 'pass' || illness.kind === 'delay') redis.write(bytes);
    });
    // Answers stay in order when the delay changes.
    let last = Promise.resolve();
    const answerAt = async (dueMs: number, bytes: Buffer) => {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: ended.signal }).catch(() => {});
      if (illness.kind === 'pass' || illness.kind === 'delay') client.write(bytes);
    };
    redis.on('data', (bytes: Buffer) => {
      answered += bytes.length;
      const dueMs = performance.now() + (illness.kind === 'delay' ? illness.ms : 0);
      last = last.then(() => answerAt(dueMs, bytes));
    });
    client.on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    set: (next) => {
      illness = next;
      if (next.kind === 'refuse') cut();
    },
    cut,
    commands: (...names) =>
      [...counts]
        .filter(([name]) => names.length === 0 || names.includes(name))
        .reduce((sum, [, count]) => sum + count, 0),
    answeredBytes: () => answered,
    close: async () => {
      ended.abort();
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Reads commands as clients send them, arrays of bulk strings (RESP), in whatever pieces they come; calls
 * `heard` with the name of each.
 */
function makeCommandReader(heard: (name: string) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  let left = 0;
  let isName = true;
  /** The length of the first line and the number in it; `undefined` while it is not whole. */
  const header = () => {
    const end = rest.indexOf('\r\n');
    return end === -1
      ? undefined
      : { after: end + 2, value: Number(rest.toString('latin1', 1, end)) };
  };
  const step = (): boolean => {
    const line = header();
    if (line === undefined) return false;
    if (left === 0) {
      left = line.value;
      isName = true;
      rest = rest.subarray(line.after);
      return true;
    }
    const after = line.after + line.value + 2;
    if (rest.length < after) return false;
    if (isName) heard(rest.toString('latin1', line.after, line.after + line.value).toLowerCase());
    isName = false;
    left -= 1;
    rest = rest.subarray(after);
    return true;
  };
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (step());
  };
}
