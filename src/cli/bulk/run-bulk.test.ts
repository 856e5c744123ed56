import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VaultError } from '../../domain/errors.ts';
import type { Client } from '../client.ts';
import { csvFormat } from './csv.ts';
import { findInput } from './input.ts';
import { type BulkJob, runBulk } from './run-bulk.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-bulk-'));
});
after(() => rm(folder, { recursive: true, force: true }));

type Asked = { key: string | undefined; values: string[] };

/** A service whose token of a value is `t:` and the value; `fail` may break a request off. */
function makeService(fail: (asked: Asked, count: number) => void = () => {}) {
  const asked: Asked[] = [];
  const client: Client = {
    baseUrl: '',
    request: async ({ json = '', headers }) => {
      const { items } = JSON.parse(json) as { items: { value: string }[] };
      const one = { key: headers?.['idempotency-key'], values: items.map(({ value }) => value) };
      asked.push(one);
      fail(one, asked.length);
      return Response.json({
        items: one.values.map((value) =>
          value.startsWith('bad')
            ? { error: { code: 'value_invalid', message: '', retryable: false } }
            : { token: `t:${value}` },
        ),
      });
    },
  };
  return { asked, client };
}

const tableOf = (rows: number) =>
  `id,name\n${Array.from({ length: rows }, (_, row) => `${row},n${row}\n`).join('')}`;

async function jobOf(name: string, text: string, more: Partial<BulkJob> = {}): Promise<BulkJob> {
  const path = join(folder, `${name}.csv`);
  await writeFile(path, text);
  return {
    call: {
      path: '/vaults/demo/tokenize/batch',
      member: 'token',
      isKeyed: true,
      maxItems: 1000,
      bodyOf: (items) => ({ items: items.map(({ text: value }) => ({ value })) }),
    },
    format: csvFormat({ columns: ['name'], delimiter: ',' }),
    names: ['name'],
    swapped: 1,
    input: await findInput(path),
    outputPath: join(folder, `${name}.out`),
    failuresPath: undefined,
    parallel: 3,
    identity: name,
    ...more,
  };
}

const deps = (client: Client, stop = new AbortController().signal) => ({
  client,
  stop,
  print: () => {},
  showProgress: undefined,
});

test('a run that dies at any request goes on from there: whole output, no value under two keys', async () => {
  const text = tableOf(5_500);
  for (const dieAt of [2, 4, 6]) {
    const job = await jobOf(`die-${dieAt}`, text);
    const keys = new Map<string, Set<string | undefined>>();
    const note = ({ key, values }: Asked) => {
      for (const value of values) keys.set(value, (keys.get(value) ?? new Set()).add(key));
    };
    const dying = makeService((asked, count) => {
      note(asked);
      if (count >= dieAt) throw new VaultError('forbidden');
    });
    await assert.rejects(runBulk(job, deps(dying.client)));
    assert(!existsSync(job.outputPath ?? ''), 'nothing half has the name of the output');
    const result = await runBulk(job, deps(makeService(note).client));
    assert.equal(result.records, 5_500);
    assert.equal(
      await readFile(job.outputPath ?? '', 'utf8'),
      text.replaceAll(/,n(\d)/g, ',t:n$1'),
    );
    for (const [value, used] of keys) assert.equal(used.size, 1, `${value} under two keys`);
  }
  assert.deepEqual(
    (await readdir(folder)).filter((name) => /part|progress/.test(name)),
    [],
  );
});

test('what may pass is asked again under the same key', async () => {
  const job = await jobOf('again', tableOf(10));
  const { client, asked } = makeService((_, count) => {
    if (count < 3) throw new VaultError(count === 1 ? 'overloaded' : 'internal');
  });
  await runBulk(job, deps(client));
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked.map(({ key }) => key)).size, 1);
});

test('a record that fails ends the run with its number and place, or goes to the failures', async () => {
  const text = 'id,name\n1,a\n2,bad hunter2\n3,c\n';
  const { client } = makeService();
  await assert.rejects(runBulk(await jobOf('ends', text), deps(client)), (error: Error) => {
    assert.match(error.message, /^Record 2, name: .*value_invalid/);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  const job = await jobOf('aside', text, { failuresPath: join(folder, 'aside.failed') });
  assert.deepEqual(await runBulk(job, deps(client)), { records: 3, failed: 1, resumedAt: 0 });
  assert.equal(await readFile(job.outputPath ?? '', 'utf8'), 'id,name\n1,t:a\n3,t:c\n');
  assert.equal(await readFile(job.failuresPath ?? '', 'utf8'), '2,"name",value_invalid\n');
});

test('a mended record makes another request, and the run goes on', async () => {
  const job = await jobOf('mend', 'id,name\n1,a\n2,bad\n');
  const first = makeService();
  await assert.rejects(runBulk(job, deps(first.client)));
  const again = makeService();
  await runBulk(await jobOf('mend', 'id,name\n1,a\n2,good\n'), deps(again.client));
  assert.notEqual(first.asked[0]?.key, again.asked[0]?.key);
  assert.equal(await readFile(job.outputPath ?? '', 'utf8'), 'id,name\n1,t:a\n2,t:good\n');
});

test('an output that is complete is never overwritten, and another job never continues a run', async () => {
  const job = await jobOf('own', tableOf(3));
  const { client } = makeService();
  await runBulk(job, deps(client));
  await assert.rejects(runBulk(job, deps(client)), /is there already/);
  const broken = await jobOf('other', tableOf(1_500));
  const dying = makeService((_, count) => {
    if (count > 1) throw new VaultError('forbidden');
  });
  await assert.rejects(runBulk(broken, deps(dying.client)));
  await assert.rejects(
    runBulk({ ...broken, identity: 'another' }, deps(client)),
    /other options or another input/,
  );
});

test('a run that breaks off while requests are under way knows their keys again', async () => {
  const rows = tableOf(1_500);
  const job = await jobOf('under-way', `${rows}one cell too many,x,y\n`);
  const { client, asked } = makeService();
  const slow: Client = {
    ...client,
    request: async (request) => {
      const answer = await client.request(request);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return answer;
    },
  };
  await assert.rejects(runBulk(job, deps(slow)), /has 3 cells/);
  const again = makeService();
  await runBulk(await jobOf('under-way', rows), deps(again.client));
  assert.equal(asked[0]?.key, again.asked[0]?.key);
});

test('an orderly stop of a run without keys asks for nothing twice', async () => {
  const seen: string[] = [];
  const failing = (dieAt: number): Client => ({
    baseUrl: '',
    request: async ({ json = '' }) => {
      const { tokens } = JSON.parse(json) as { tokens: string[] };
      if (tokens.includes(`n${dieAt}`)) throw new VaultError('forbidden');
      seen.push(...tokens);
      return Response.json({ items: tokens.map((text) => ({ value: text })) });
    },
  });
  const job = await jobOf('once', tableOf(3_000), {
    parallel: 1,
    call: {
      path: '/x',
      member: 'value',
      isKeyed: false,
      maxItems: 250,
      bodyOf: (items) => ({ tokens: items.map(({ text }) => text) }),
    },
  });
  await assert.rejects(runBulk(job, deps(failing(2_000))));
  await runBulk(job, deps(failing(-1)));
  assert.equal(seen.length, 3_000);
});

test('failures never replace a file, and are counted over all runs', async () => {
  const text = `id,name\n1,bad\n${Array.from({ length: 20_000 }, (_, row) => `${row},n${row}\n`).join('')}`;
  const failuresPath = join(folder, 'counted.failed');
  const job = await jobOf('counted', text, { failuresPath });
  const dying = makeService((_, count) => {
    if (count > 18) throw new VaultError('forbidden');
  });
  await assert.rejects(runBulk(job, deps(dying.client)));
  const { client } = makeService();
  const { failed, resumedAt } = await runBulk(job, deps(client));
  assert(resumedAt > 0);
  assert.equal(failed, 1);
  const other = await jobOf('counted-too', tableOf(2), { failuresPath });
  await assert.rejects(runBulk(other, deps(client)), /is there already/);
  const same = await jobOf('counted-same', tableOf(2));
  await assert.rejects(
    runBulk({ ...same, failuresPath: same.outputPath }, deps(client)),
    /the same file/,
  );
});

test('a run whose first request is refused leaves nothing behind', async () => {
  const job = await jobOf('refused', tableOf(3));
  const { client } = makeService(() => {
    throw new VaultError('vault_not_found');
  });
  await assert.rejects(runBulk(job, deps(client)), { code: 'vault_not_found' });
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('refused.out')),
    [],
  );
});

test('failures can be put aside by a later run, and never get lost by one', async () => {
  const text = 'id,name\n1,a\n2,bad\n3,c\n';
  const { client } = makeService();
  const job = await jobOf('later', text);
  await assert.rejects(runBulk(job, deps(client)), { code: 'value_invalid' });
  const aside = { ...job, failuresPath: join(folder, 'later.failed') };
  assert.equal((await runBulk(aside, deps(client))).failed, 1);
  assert.equal(await readFile(aside.failuresPath, 'utf8'), '2,"name",value_invalid\n');
});

test('without a key only what failed is asked again, and a spent budget ends the run', async () => {
  const asked: string[][] = [];
  const answer = (texts: string[], first: object) =>
    Response.json({ items: texts.map((text, index) => (index === 0 ? first : { value: text })) });
  const overloaded = { error: { code: 'overloaded', message: '', retryable: true } };
  const client: Client = {
    baseUrl: '',
    request: async ({ json = '' }) => {
      const texts = (JSON.parse(json) as { tokens: string[] }).tokens;
      asked.push(texts);
      const last = { error: { code: 'budget_exhausted', message: '', retryable: true } };
      return answer(texts, asked.length === 1 ? overloaded : last);
    },
  };
  const job = await jobOf('spent', tableOf(3));
  const call = {
    path: '/x',
    member: 'value' as const,
    isKeyed: false,
    maxItems: 250,
    bodyOf: (items: readonly { text: string }[]) => ({ tokens: items.map(({ text }) => text) }),
  };
  await assert.rejects(runBulk({ ...job, call }, deps(client)), { code: 'budget_exhausted' });
  assert.deepEqual(asked, [['n0', 'n1', 'n2'], ['n0']]);
});

test('empty cells ask for nothing and stay empty', async () => {
  const job = await jobOf('empty', 'id,name\n1,\n2,""\n3,x\n');
  const { client, asked } = makeService();
  await runBulk(job, deps(client));
  assert.deepEqual(asked[0]?.values, ['x']);
  assert.equal(await readFile(job.outputPath ?? '', 'utf8'), 'id,name\n1,\n2,""\n3,t:x\n');
});
