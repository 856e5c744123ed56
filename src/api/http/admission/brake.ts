import type { FastifyReply } from 'fastify';

/** Holds refusals back, so that who does not wait of its own accord cannot ask at any rate it likes. */
export type Brake = {
  /** Sends the refusal in a quarter of a second, in a whole one when many are held; at once when too many are. */
  hold(reply: FastifyReply): void;
  /** Sends all that are held, and from now on at once. */
  release(): void;
};

const STEP_MS = 16;
const STEPS = 64;
const SOON_STEPS = 16;
/** With more of them they wait for all steps. */
const MANY_HELD = 1024;
/** As many as there can be connections: some 10 KB each. */
const MOST_HELD = 8192;

/**
 * Makes a brake. Reading, parsing and refusing a request costs what an empty route costs (measured: 29 µs), so
 * at several times the load that an instance can bear, refusals would take much of it. HTTP has no way to be
 * slow on one connection without an open request; so the request stays open. A connection then gets four
 * refusals a second instead of thousands, whatever its client makes of `Retry-After`, and one a second where
 * there are thousands of connections: four times 4,000 refusals would leave no time for answers.
 */
export function makeBrake(send: (reply: FastifyReply) => void): Brake {
  const wheel = Array.from({ length: STEPS }, (): FastifyReply[] => []);
  let position = 0;
  let held = 0;
  let isReleased = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = 0;

  /** A part at a time: sending them all at once would hold everybody up. */
  function step(): void {
    position = (position + 1) % STEPS;
    const due = wheel[position]?.splice(0) ?? [];
    held -= due.length;
    if (held === 0) stop();
    for (const reply of due) {
      if (!reply.raw.destroyed) send(reply);
    }
  }

  /** On a busy loop a timer comes late: what it missed is made up for, or a refusal would take seconds. */
  function catchUp(): void {
    const now = performance.now();
    for (; timer !== undefined && dueAtMs <= now; dueAtMs += STEP_MS) step();
  }

  function start(): void {
    dueAtMs = performance.now() + STEP_MS;
    timer = setInterval(catchUp, STEP_MS);
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    hold(reply) {
      if (isReleased || held >= MOST_HELD) {
        send(reply);
        return;
      }
      // The step that was sent last comes again after a whole turn.
      const after = held < MANY_HELD ? SOON_STEPS : STEPS;
      held += 1;
      wheel[(position + after) % STEPS]?.push(reply);
      if (timer === undefined) start();
    },
    release() {
      isReleased = true;
      for (let count = 0; count < STEPS; count += 1) step();
      stop();
    },
  };
}
