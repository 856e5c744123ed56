import { type RawAnswer, send } from './canary-client.ts';
import type { Place } from './canary-places.ts';
import type { Planting } from './canary-requests.ts';
import type { DevInstance } from './dev-instance.ts';

type More = { reveals?: boolean; headers?: Record<string, string> };

/**
 * Calls of an instance by the demo roles. Every answer is kept to be searched, but for reveals: what goes in
 * must not come back.
 */
export function makeCanarySession(instanceOf: () => DevInstance) {
  const answers: Place[] = [];

  /** Sends one request; its answer must not repeat what was in it, unless it is a reveal. */
  async function ask(planting: Planting, reveals = false): Promise<RawAnswer> {
    const instance = instanceOf();
    const token = instance.tokens[planting.role];
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await send(instance.http, {
      ...planting,
      headers: { ...authorization, ...planting.headers },
    });
    if (!reveals) answers.push({ name: `answer to ${planting.target}`, bytes: answer.bytes });
    return answer;
  }

  /** Sends JSON to a path of the vault. */
  async function call(role: string, path: string, body: object, more: More = {}) {
    const answer = await ask(
      {
        target: `/v1/vaults/demo/${path}`,
        headers: { 'content-type': 'application/json', ...more.headers },
        body: JSON.stringify(body),
        role,
      },
      more.reveals,
    );
    return { status: answer.status, body: JSON.parse(answer.body) };
  }

  return { answers, ask, call };
}
