import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAnswering } from '../../../test/helpers/answering-server.ts';
import { openContext } from '../../../test/helpers/cli-context.ts';
import { VaultError } from '../../domain/errors.ts';
import { UsageError } from '../command.ts';
import { vaultStats } from './vault-stats.ts';

const fields = [
  {
    field: 'pan',
    mode: 'deterministic',
    format: 'card',
    used: 12_040,
    capacity: '900000',
    fullest: { used: 450_009, ratio: 0.500_01 },
    spaces: 3,
  },
  {
    field: 'ssn',
    mode: 'random',
    format: 'us-ssn',
    used: 1,
    capacity: '48995100',
    fullest: { used: 1, ratio: 0.000_000_02 },
    spaces: 1,
  },
  { field: 'note', mode: 'siv', format: 'opaque', capacity: String(2n ** 130n) },
];
const answer = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });

test('statistics come as a table, what cannot fill up without a ratio', async (t) => {
  const server = await startAnswering(t, [answer({ fields })]);
  const context = openContext(server.url);
  assert.ok(await vaultStats.run(context, { values: { vault: 'demo' }, words: [] }));
  assert.equal(server.asked[0]?.line, 'GET /v1/vaults/demo/stats');
  assert.deepEqual(context.printed.out.split('\n'), [
    'FIELD  MODE           FORMAT  USED    CAPACITY    FULLEST',
    'pan    deterministic  card    12,040  900,000     50 %',
    'ssn    random         us-ssn  1       48,995,100  < 0.1 %',
    'note   siv            opaque  -       1.4e+39     -',
    '',
  ]);
});

test('with --json they come as the service gave them', async (t) => {
  const server = await startAnswering(t, [answer({ fields })]);
  const context = openContext(server.url);
  await vaultStats.run(context, { values: { vault: 'demo', json: true }, words: [] });
  assert.deepEqual(JSON.parse(context.printed.out), { fields });
});

test('without a vault, or without statistics in the answer, it says so', async (t) => {
  const context = openContext('http://127.0.0.1:9');
  await assert.rejects(vaultStats.run(context, { values: {}, words: [] }), UsageError);
  const bad = [{ fields: 1 }, {}, { fields: [{ ...fields[0], capacity: '1e9' }] }];
  const server = await startAnswering(t, bad.map(answer));
  for (const _ of bad) {
    const asking = vaultStats.run(openContext(server.url), { values: { vault: 'v' }, words: [] });
    await assert.rejects(asking, VaultError);
  }
});
