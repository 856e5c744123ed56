import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Holds refusals back, so that who does not wait of its own accord cannot ask at any rate it likes. */
export type Brake = {
  /**
   * Calls `send`, which is to send the refusal, in a quarter of a second, later when many wait in front of it; at once
   * when too many do; never when the client goes away before. What comes of a body meanwhile is dropped. Behind one that
   * is held on the same connection it is sent at once, for answers leave in order; the ninth ends the connection.
   */
  hold(response: ServerResponse, send: () => void): void;
  /** True while a refusal on this connection is held: whatever is asked on it now can be answered only afterwards. */
  isHolding(socket: Socket): boolean;
  /** Sends all that are held, a part in each turn of the loop, and whatever comes from now on at once. */
  release(): void;
};

const TICK_MS = 16;
const LEAST_MS = 256;
/** 1,250 a second: a refusal takes about half of what an answer does (measured), its client's part included. */
const SENT_EACH_TICK = 20;
/** As many as there can be connections, and seven seconds until the last of them is sent. */
const MOST_HELD = 8192;
/** One read can bring thousands of pipelined requests, each of which costs what the first one does. */
const MOST_BEHIND = 8;
/** What a busy loop missed is made up for in parts, or it would be busy again. */
const MOST_TICKS_AT_ONCE = 16;
/** Sent in one turn of the loop once nothing is held any more. */
const RELEASED_AT_ONCE = 256;

type Held = { response: ServerResponse; send: () => void; untilMs: number; behind: number };

/**
 * Makes a brake. Reading, parsing and refusing a request costs what an empty route costs (measured: 29 µs), so
 * at several times the load that an instance can bear, refusals would take much of it. HTTP has no way to be
 * slow on one connection without an open request; so the request stays open. A connection then gets four
 * refusals a second instead of thousands, whatever its client makes of `Retry-After`, and however many connections
 * there are, refusals go out at one rate, so that most of the time is left for answers.
 */
export function makeBrake(): Brake {
  /** One for each connection, in the order in which they came; `untilMs`: it is held so long at least. */
  const held = new Map<Socket, Held>();
  let isReleased = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = 0;

  function sendDue(nowMs: number, most: number): void {
    let left = most;
    for (const [socket, { send, untilMs }] of held) {
      if (untilMs > nowMs || left === 0) break;
      left -= 1;
      held.delete(socket);
      send();
    }
    if (held.size === 0) stop();
  }

  /** A part at a time. What a timer on a busy loop missed is made up for, or a refusal would take longer still. */
  function tick(): void {
    const nowMs = performance.now();
    const missed = Math.max(0, Math.floor((nowMs - dueAtMs) / TICK_MS) + 1);
    const ticks = Math.min(missed, MOST_TICKS_AT_ONCE);
    dueAtMs += ticks * TICK_MS;
    sendDue(nowMs, ticks * SENT_EACH_TICK);
  }

  function sendAll(): void {
    sendDue(Number.POSITIVE_INFINITY, RELEASED_AT_ONCE);
    if (held.size > 0) setImmediate(sendAll);
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
    hold(response, send) {
      const { req: request } = response;
      const { socket } = request;
      const first = held.get(socket);
      if (first !== undefined) first.behind += 1;
      if (first !== undefined && first.behind > MOST_BEHIND) {
        socket.destroy();
        return;
      }
      if (isReleased || held.size >= MOST_HELD || first !== undefined) {
        send();
        return;
      }
      held.set(socket, { response, send, untilMs: performance.now() + LEAST_MS, behind: 0 });
      // Who goes away makes room for others. By now the connection may wait for a later refusal.
      response.once('close', () => {
        if (held.get(socket)?.response === response) held.delete(socket);
      });
      // Nobody will read the body: what has come of it need not be kept.
      request.resume();
      if (timer === undefined) start();
    },
    isHolding: (socket) => held.has(socket),
    release() {
      isReleased = true;
      sendAll();
    },
  };
}
