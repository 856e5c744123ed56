import type { Socket } from 'node:net';
import { getHeapStatistics } from 'node:v8';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../domain/access/principal.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { makeAdmission, type Refusal, type Visit } from './admission/admission.ts';
import { installBodyMeter, isLines } from './admission/body-meter.ts';
import { makeBrake } from './admission/brake.ts';
import { makeDoor } from './admission/door.ts';
import type { Limits } from './limits.ts';
import { prepareProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request takes up, while it is worked on. */
    visit: Visit | undefined;
  }
}

/** The window that the limit learns from. */
const TURN_MS = 100;
const OVERLOADED = { code: 'overloaded', problems: [] } as const;

/** Keeps a server from taking in more than it can answer in time. */
export type Overload = {
  /** Refuses before anything is spent on a request, at the door of the server and in the first hook after tracking. */
  install(app: FastifyInstance): void;
  /** True while a refusal waits on this connection: nothing else may be written to it before. */
  isHolding(socket: Socket): boolean;
  /** The hook after authentication: nobody takes the whole of it while others ask, too. */
  installShares(app: FastifyInstance): void;
  /** To be told of every request that is over, once. */
  ended(request: FastifyRequest, ms: number): void;
  /** A stream gives its place back, and asks for room before each window. */
  rest(request: FastifyRequest): void;
  room(): Promise<void>;
};

/**
 * Makes the shedding of one server. A request is refused with 503 `overloaded` when more work is under way than
 * can be answered within the target, when its answer would come too late, when bodies or heap fill the memory,
 * when its caller has its share, and while the server drains. Refusals are no events: nobody asked anything
 * yet that was decided, and a flood must not write to the log. (But a large body that is cut off half-way is a
 * failure as any other, and on record.)
 */
export function makeOverload(deps: {
  limits: Limits;
  metrics: Pick<Metrics, 'overload'>;
}): Overload {
  const { limits, metrics } = deps;
  const admission = makeAdmission(limits);
  const brake = makeBrake();
  let isDraining = false;
  const door = makeDoor({
    // While it drains, the hook has another answer, which nobody waits for.
    closed: () => (isDraining ? undefined : admission.closed()),
    refused: metrics.overload.refused,
    brake,
    sendRefusal,
  });
  metrics.overload.watch(admission.reading);

  function refuse(reply: FastifyReply, refusal: Refusal): void {
    metrics.overload.refused(refusal);
    if (refusal === 'draining') sendRefusal(reply);
    else brake.hold(reply.raw, () => sendRefusal(reply));
  }

  function leave(request: FastifyRequest, ms?: number): void {
    if (request.visit === undefined) return;
    admission.leave(request.visit, ms);
    request.visit = undefined;
  }

  return {
    install(app) {
      app.server.maxConnections = limits.connections;
      app.decorateRequest('visit', undefined);
      startTurns(app, { admission, limits });
      door.guard(app);
      app.addHook('preClose', (done) => {
        isDraining = true;
        brake.release();
        done();
      });
      app.addHook('onRequest', (request, reply, done) => {
        const visit = isDraining ? 'draining' : admission.enter(declaredBytes(request));
        if (typeof visit === 'string') {
          refuse(reply, visit);
          return;
        }
        request.visit = visit;
        done();
      });
    },
    isHolding: brake.isHolding,
    installShares(app) {
      app.addHook('onRequest', (request, reply, done) => {
        const { visit, principal } = request;
        const refusal = visit && principal && admission.identify(visit, callerOf(principal));
        if (refusal === undefined) {
          done();
          return;
        }
        leave(request);
        refuse(reply, refusal);
      });
      installBodyMeter(app, (request, bytes) => {
        const refusal = request.visit && admission.grow(request.visit, bytes);
        if (refusal !== undefined) metrics.overload.refused(refusal);
        return refusal === undefined;
      });
    },
    ended(request, ms) {
      // Only what an operation answered says how long answers take: refusals are quick whatever happens.
      leave(request, request.auditReceipt === undefined ? undefined : ms);
    },
    // Also what it was taken to hold of its body: it is read by windows, and never kept.
    rest: (request) => leave(request),
    room: admission.room,
  };
}

/** Whose share it is. */
function callerOf({ issuer, subject }: Principal): string {
  return `${issuer} ${subject}`;
}

/** Sends the refusal. Its bytes are exempt from the audit guard; what is not its own is taken off there. */
function sendRefusal(reply: FastifyReply): void {
  reply.send(prepareProblem(reply, OVERLOADED));
}

/** The length that a request declares of a body that will be kept in memory. */
function declaredBytes(request: FastifyRequest): number {
  const length = request.headers['content-length'];
  return length === undefined || isLines(request) ? 0 : Number(length);
}

/** Ends a window every 100 ms for as long as the server runs. */
function startTurns(
  app: FastifyInstance,
  deps: { admission: ReturnType<typeof makeAdmission>; limits: Limits },
): void {
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = 0;
  const turn = () => {
    const now = performance.now();
    deps.admission.turn({
      lagMs: Math.max(0, now - dueAtMs),
      isHeapFull: getHeapStatistics().used_heap_size > deps.limits.heapUsedBytes,
    });
    dueAtMs = now + TURN_MS;
  };
  app.addHook('onReady', (done) => {
    dueAtMs = performance.now();
    turn();
    timer = setInterval(turn, TURN_MS).unref();
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}
