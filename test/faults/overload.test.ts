import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readUnbudgetedPolicy } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';

// A database that does not answer makes everybody wait: the instance must not collect them without end.

/** More than an instance lets in at its start. */
const CALLERS = 800;
/** The longest that any answer may take while Postgres is away, in milliseconds. */
const ANSWER_WITHIN_MS = 30_000;

let postgres: OwnPostgres;
let service: TestService;
before(async () => {
  postgres = await startOwnPostgres();
  service = await startTestService({
    databaseUrl: postgres.serviceUrl,
    policies: [readUnbudgetedPolicy()],
  });
});
after(async () => {
  await service?.close();
  await postgres?.close();
});

/** Counts the answers to so many calls at once, by status and code. */
async function ask(callers: number): Promise<Map<string, number>> {
  const authorization = `Bearer ${service.tokenFor('app')}`;
  const answers = await Promise.all(
    Array.from({ length: callers }, async (_, n) => {
      const response = await fetch(`${service.http}/v1/vaults/demo/tokenize`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ field: 'email', value: `kim${n}@example.com` }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const { code } = (await response.json()) as { code?: string };
      return response.status === 200 ? 'ok' : `${response.status} ${code}`;
    }),
  );
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return counts;
}

/** Calls until everybody is served: by itself, nobody restarts the service. */
async function untilServed(): Promise<void> {
  const giveUpAtMs = performance.now() + ANSWER_WITHIN_MS;
  while ((await ask(50)).get('ok') !== 50) {
    assert.ok(performance.now() < giveUpAtMs, 'no recovery');
    await sleep(100);
  }
}

it('with the database stopped refuses whom it cannot serve, keeps its admin port, and recovers', async () => {
  await untilServed();
  postgres.pause();
  const asked = ask(CALLERS);
  const live = await fetch(`${service.admin}/livez`);
  assert.equal(live.status, 200);
  const counts = await asked.finally(postgres.resume);
  assert.ok(![...counts.keys()].some((answer) => !answer.startsWith('503 ')), String([...counts]));
  assert.ok((counts.get('503 overloaded') ?? 0) > 0);
  assert.ok((counts.get('503 audit_unavailable') ?? 0) > 0);
  const metrics = await (await fetch(`${service.admin}/metrics`)).text();
  assert.match(metrics, /counterfoil_overload_refused_total\{reason="full"\} [1-9]/);
  // Nothing of those that were given up is left in the way.
  await untilServed();
  const calm = await (await fetch(`${service.admin}/metrics`)).text();
  assert.match(calm, /^counterfoil_overload_units 0$/m);
});
