import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Instance } from './serve-cluster.ts';

const CALLERS = 12;
const SHUT_OUT_MS = 100;
const NEVER_ISSUED = 'eml_0123456789abcdefghjkmnpqrs';

/** What callers have heard. */
type Ledger = {
  requests: number;
  /** Answers with an event, of refusals too. */
  heard: { eventId: string; status: number; isBatch: boolean }[];
  /** Requests without an answer: the instance was killed. */
  lost: number;
  /** Anything that breaks a promise at once. */
  wrong: string[];
  seconds: number;
};

type Expected = { status: number; isBatch?: boolean };

/** What a service may answer while it starts, or its neighbour has just died. */
const UNAVAILABLE = 503;

/**
 * Callers of a service with several instances, who each go from one to the next: they tokenize and read back,
 * singly and in batches, and ask for what they are refused.
 */
export function makeCallers(instanceAt: (place: number) => Instance) {
  const ledger: Ledger = { requests: 0, heard: [], lost: 0, wrong: [], seconds: 0 };

  function book(what: string, answer: Answer, { status, isBatch = false }: Expected): boolean {
    ledger.requests += 1;
    const { eventId } = answer;
    if (eventId !== undefined) ledger.heard.push({ eventId, status: answer.status, isBatch });
    if (answer.status === 0) {
      ledger.lost += 1;
    } else if (answer.status !== status && answer.status !== UNAVAILABLE) {
      ledger.wrong.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
    } else if (answer.status === status && eventId === undefined) {
      ledger.wrong.push(`${what}: an answer without an event`);
    }
    return answer.status === status;
  }

  /** One caller's round, on one instance after the other. */
  async function round(caller: number, turn: number): Promise<boolean> {
    const ask = (role: string, path: string, body: object, expected: Expected) => {
      step += 1;
      return instanceAt(step)
        .post(role, `vaults/demo/${path}`, body)
        .then((answer) => [book(`${role} ${path}`, answer, expected), answer] as const);
    };
    let step = caller + turn;
    const purpose = 'support-ticket';
    const value = `c${caller}-${turn}@example.com`;
    const [isMade, made] = await ask('app', 'tokenize', { field: 'email', value }, { status: 200 });
    if (!isMade) return false;
    const { token } = made.body;
    const [isRead, read] = await ask(
      'supervisor',
      'detokenize',
      { token, purpose },
      { status: 200 },
    );
    if (isRead && read.body['value'] !== value) ledger.wrong.push('another value came back');
    const items = [0, 1, 2].map((item) => ({ field: 'name', value: `${value} ${item}` }));
    const batch = { status: 200, isBatch: true };
    await ask('app', 'tokenize/batch', { items }, batch);
    await ask('supervisor', 'detokenize/batch', { tokens: [token, NEVER_ISSUED], purpose }, batch);
    await ask('app', 'detokenize', { token, purpose }, { status: 403 });
    await ask('supervisor', 'detokenize', { token: NEVER_ISSUED, purpose }, { status: 404 });
    await ask('app', 'tokenize', { field: 'email', value: 'no address' }, { status: 422 });
    return true;
  }

  async function call(caller: number, signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn += 1) {
      if (!(await round(caller, turn))) await sleep(SHUT_OUT_MS);
    }
  }

  return {
    ledger,
    /** Calls until `work` is done; what `work` resolves to. */
    async callDuring<T>(work: () => Promise<T>): Promise<T> {
      const startedMs = performance.now();
      const over = new AbortController();
      const calling = Array.from({ length: CALLERS }, (_, caller) => call(caller, over.signal));
      try {
        return await work();
      } finally {
        over.abort();
        await Promise.all(calling);
        ledger.seconds = (performance.now() - startedMs) / 1_000;
      }
    },
  };
}
