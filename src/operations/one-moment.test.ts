import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callAs, makeTestOperations } from '../../test/helpers/operations.ts';

/** Two fields can be read from 12:00 to 12:10; a third one always, so that no call is refused as a whole. */
const POLICY = `
apiVersion: counterfoil/v1
vault: demo
purposes: [support-ticket]
fields:
  email: { class: direct, type: email, token: { mode: deterministic, format: email } }
  name: { class: direct, type: text, token: { mode: random, prefix: name } }
  note: { class: direct, type: text, token: { mode: random, prefix: note } }
roles:
  app:
    - allow: [detokenize]
      fields: [note]
      views: [full]
    - allow: [tokenize, detokenize]
      fields: [email, name]
      views: [full]
      require:
        hours: { days: [mon, tue, wed, thu, fri, sat, sun], from: "12:00", to: "12:10", zone: UTC }
`;

const MINUTE_MS = 60_000;
const NOON_MS = Date.UTC(2026, 0, 15, 12);

const ITEMS = ['Ada', 'Bob', 'Cid'].flatMap((name) => [
  { field: 'email', value: `${name}@example.com` },
  { field: 'name', value: name },
]);

/** Operations with two tokens for each of three people; each look at the clock takes a minute from now on. */
async function open() {
  const { deps, operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenizeBatch(callAs('app'), { items: ITEMS });
  const tokens = output.items.map((item) => ('token' in item ? item.token : assert.fail()));
  let nowMs = NOON_MS;
  deps.clock.now = () => {
    nowMs += MINUTE_MS;
    return nowMs;
  };
  const setOut = (minute: number) => {
    nowMs = NOON_MS + minute * MINUTE_MS;
  };
  return { operations, tokens, setOut };
}

it('decides all items of a batch for one moment, those that are refused as well', async () => {
  const { operations, tokens, setOut } = await open();
  const ends = new Set<number>();
  for (let minute = -15; minute < 15; minute += 1) {
    setOut(minute);
    const { items } = (await operations.detokenizeBatch(callAs('app'), { tokens })).output;
    ends.add(items.filter((item) => 'value' in item).length);
  }
  assert.deepEqual(ends, new Set([0, ITEMS.length]), 'all of them or none');
});
