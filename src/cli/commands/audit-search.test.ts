import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startAnswering } from '../../../test/helpers/answering-server.ts';
import { openContext } from '../../../test/helpers/cli-context.ts';
import { renderEvent } from '../audit-line.ts';
import { UsageError } from '../command.ts';
import { auditSearch } from './audit-search.ts';

const event = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  index: 7,
  shard: '2026',
  time: '2026-11-22T00:00:00.000Z',
  action: 'detokenize',
  outcome: 'deny',
  status: 403,
  items: 1,
  actor: { subject: 'ada' },
  tokens: ['tok_1'],
};
const page = (count: number, cursor?: string) => ({
  status: 200,
  body: JSON.stringify({ events: Array.from({ length: count }, () => event), cursor }),
});

test('criteria go to the service, and each event comes back as one line', async (t) => {
  const server = await startAnswering(t, [page(1)]);
  const context = openContext(server.url);
  const values = { vault: 'demo', actor: 'ada', outcome: 'deny', from: '2026-01-31', limit: '5' };
  assert(await auditSearch.run(context, { values, words: [] }));
  assert.equal(server.asked[0]?.line, 'POST /v1/audit/search');
  assert.deepEqual(JSON.parse(server.asked[0]?.body ?? ''), {
    vault: 'demo',
    actor: 'ada',
    outcome: 'deny',
    from: '2026-01-31T00:00:00.000Z',
    limit: 5,
  });
  assert.equal(
    context.printed.out,
    '2026-11-22T00:00:00.000Z deny detokenize 403 by=ada items=1 tokens=tok_1 shard=2026 index=7 id=AAAAAAAAAAAAAAAAAAAAAA\n',
  );
  assert.equal(context.printed.err, '');
});

test('--all turns every page, also behind an empty one; a limit says that there may be more', async (t) => {
  const server = await startAnswering(t, [page(2, 'c1'), page(0, 'c2'), page(1), page(2, 'c1')]);
  const context = openContext(server.url);
  await auditSearch.run(context, { values: { all: true, json: true }, words: [] });
  const lines = context.printed.out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [event, event, event],
  );
  const cursors = server.asked.map(({ body }) => (JSON.parse(body) as { cursor?: string }).cursor);
  assert.deepEqual(cursors, [undefined, 'c1', 'c2']);
  await auditSearch.run(context, { values: { limit: '2' }, words: [] });
  assert.match(context.printed.err, /^counterfoil: there may be more/);
});

test('a token can come from standard input, where no history keeps it', async (t) => {
  const server = await startAnswering(t, [page(0)]);
  const context = openContext(server.url, { input: 'tok_secret\n' });
  await auditSearch.run(context, { values: { token: '-', vault: 'demo' }, words: [] });
  assert.match(server.asked[0]?.body ?? '', /"token":"tok_secret"/);
  await assert.rejects(
    auditSearch.run(context, { values: { token: '-', actor: '-' }, words: [] }),
    (error) => error instanceof UsageError && /only one of --token, --actor/.test(error.message),
  );
});

test('what is no list of events is not taken for an empty one', async (t) => {
  const answers = ['{}', '[]', 'null', 'no JSON', '{"events":{}}', '{"events":[],"cursor":7}'];
  const server = await startAnswering(
    t,
    answers.map((body) => ({ status: 200, body })),
  );
  for (const answer of answers) {
    const context = openContext(server.url);
    const run = auditSearch.run(context, { values: {}, words: [] });
    await assert.rejects(run, { message: /something else than events/ }, answer);
  }
});

test('whatever an event holds, its line is one line and steers no terminal', () => {
  const text = fc.string({
    unit: fc.constantFrom(...'a =\n\r\t"\'\u001b\u009b\u202e\u2028\u0000é😀'),
  });
  const any = fc.oneof(text, fc.anything());
  const spiteful = fc.record({
    time: any,
    actor: fc.record({ subject: any }),
    tokens: any,
    id: any,
  });
  fc.assert(
    fc.property(spiteful, (given) => {
      const sent: unknown = JSON.parse(JSON.stringify(given));
      assert.match(renderEvent(sent), /^[\x20-\x7e]*$/);
    }),
    { examples: [[{ time: '', actor: { subject: '' }, tokens: { toString: false }, id: '' }]] },
  );
});
