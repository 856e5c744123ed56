import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/** Holds refusals back, so that who does not wait of its own accord cannot ask at any rate it likes. */
export type Brake = {
  /** Sends the refusal in a quarter of a second, later when many wait in front of it; at once when too many do. */
  hold(reply: FastifyReply): void;
  /** True while a refusal on this connection is held: whatever is asked on it now can be answered only afterwards. */
  isHolding(socket: Socket): boolean;
  /** Sends all that are held, and from now on at once. */
  release(): void;
};

const TICK_MS = 16;
const LEAST_MS = 256;
/** 1,250 a second: a refusal takes about half of what an answer does (measured), its client's part included. */
const SENT_EACH_TICK = 20;
/** As many as there can be connections: some 10 KB each, and seven seconds until the last of them is sent. */
const MOST_HELD = 8192;

/**
 * Makes a brake. Reading, parsing and refusing a request costs what an empty route costs (measured: 29 µs), so
 * at several times the load that an instance can bear, refusals would take much of it. HTTP has no way to be
 * slow on one connection without an open request; so the request stays open. A connection then gets four
 * refusals a second instead of thousands, whatever its client makes of `Retry-After`, and however many connections
 * there are, refusals go out at one rate, so that most of the time is left for answers.
 */
export function makeBrake(send: (reply: FastifyReply) => void): Brake {
  /** One for each connection, in the order in which they came; `untilMs`: it is held so long at least. */
  const held = new Map<Socket, { reply: FastifyReply; untilMs: number }>();
  let isReleased = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = 0;

  function sendDue(nowMs: number, most: number): void {
    let left = most;
    for (const [socket, { reply, untilMs }] of held) {
      if (untilMs > nowMs || left === 0) break;
      left -= 1;
      held.delete(socket);
      send(reply);
    }
    if (held.size === 0) stop();
  }

  /** A part at a time. What a timer on a busy loop missed is made up for, or a refusal would take longer still. */
  function tick(): void {
    const nowMs = performance.now();
    const ticks = Math.max(0, Math.floor((nowMs - dueAtMs) / TICK_MS) + 1);
    dueAtMs += ticks * TICK_MS;
    sendDue(nowMs, ticks * SENT_EACH_TICK);
  }

  function start(): void {
    dueAtMs = performance.now() + TICK_MS;
    timer = setInterval(tick, TICK_MS);
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    hold(reply) {
      const { socket } = reply.request.raw;
      // A second one on a connection leaves beside the first: answers leave in order.
      if (isReleased || held.size >= MOST_HELD || held.has(socket)) {
        send(reply);
        return;
      }
      held.set(socket, { reply, untilMs: performance.now() + LEAST_MS });
      // Who goes away makes room for others. By now the connection may wait for a later refusal.
      reply.raw.once('close', () => {
        if (held.get(socket)?.reply === reply) held.delete(socket);
      });
      // Nobody will read the body: what has come of it need not be kept.
      reply.request.raw.resume();
      if (timer === undefined) start();
    },
    isHolding: (socket) => held.has(socket),
    release() {
      isReleased = true;
      sendDue(Number.POSITIVE_INFINITY, MOST_HELD);
    },
  };
}
