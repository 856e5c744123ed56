import type { FastifyReply } from 'fastify';

/** Holds refusals back, so that who does not wait of its own accord cannot ask at any rate it likes. */
export type Brake = {
  /** Sends the refusal in a quarter of a second, later when many wait in front of it; at once when too many do. */
  hold(reply: FastifyReply): void;
  /** Sends all that are held, and from now on at once. */
  release(): void;
};

const TICK_MS = 16;
const LEAST_TICKS = 16;
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
  let held: { reply: FastifyReply; dueTick: number }[] = [];
  /** How many of `held` were sent already. */
  let sent = 0;
  let tick = 0;
  let isReleased = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = 0;

  /** A part at a time: sending them all at once would hold everybody up. */
  function sendDue(most: number): void {
    let left = most;
    for (let next = held[sent]; next && next.dueTick <= tick && left > 0; next = held[sent]) {
      sent += 1;
      if (next.reply.raw.destroyed) continue;
      send(next.reply);
      left -= 1;
    }
    forgetSent();
  }

  function forgetSent(): void {
    if (sent === held.length) stop();
    if (sent * 2 < held.length) return;
    held = held.slice(sent);
    sent = 0;
  }

  /** On a busy loop a timer comes late: what it missed is made up for, or a refusal would take seconds. */
  function catchUp(): void {
    const now = performance.now();
    for (; timer !== undefined && dueAtMs <= now; dueAtMs += TICK_MS) {
      tick += 1;
      sendDue(SENT_EACH_TICK);
    }
  }

  function start(): void {
    dueAtMs = performance.now() + TICK_MS;
    timer = setInterval(catchUp, TICK_MS);
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    hold(reply) {
      if (isReleased || held.length - sent >= MOST_HELD) {
        send(reply);
        return;
      }
      held.push({ reply, dueTick: tick + LEAST_TICKS });
      if (timer === undefined) start();
    },
    release() {
      isReleased = true;
      tick = Number.POSITIVE_INFINITY;
      sendDue(MOST_HELD);
    },
  };
}
