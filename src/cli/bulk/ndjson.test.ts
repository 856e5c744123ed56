import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ndjsonFormat } from './ndjson.ts';
import type { BulkRecord } from './record.ts';

const read = async (text: string, paths: readonly string[]) => {
  const source = await ndjsonFormat({ paths }).open(Readable.from([Buffer.from(text)]), undefined);
  const records: BulkRecord[] = [];
  for await (const record of source.records) records.push(record);
  return records;
};

test('numbers keep every digit, and all else stays as it was', async () => {
  const line =
    '{"id":12345678901234567890,"x":1.50,"y":1e3,"customer":{"email":"a@b.example","n":null}}';
  const [record] = await read(`${line}\n`, ['customer.email', 'customer.none', 'customer.n']);
  assert.deepEqual(record?.values, ['a@b.example', undefined, undefined]);
  assert.equal(
    record?.render(['tok_1', undefined, undefined]),
    `${line.replace('a@b.example', 'tok_1')}\n`,
  );
});

test('paths lead into lists, and never to what an object did not bring itself', async () => {
  const [record] = await read('{"contacts":[{"phone":"+1"}],"__proto__":{"x":"y"}}\n', [
    'contacts.0.phone',
    'constructor.name',
    '__proto__.x',
  ]);
  assert.deepEqual(record?.values.slice(0, 2), ['+1', undefined]);
  assert.equal(({} as { x?: string }).x, undefined);
});

test('blank lines are no records to swap, and the last line needs no end', async () => {
  const records = await read('{"a":"1"}\n\n{"a":"2"}', ['a']);
  assert.deepEqual(
    records.map(({ values, endAt }) => [values[0], endAt]),
    [
      ['1', 10],
      [undefined, 11],
      ['2', 20],
    ],
  );
});

test('a line that cannot be read is named by its number alone', async () => {
  for (const text of ['{"a":"1"}\n{"a":hunter2}\n', '{"a":"1"}\n{"a":{"hunter2":1}}\n']) {
    await assert.rejects(read(text, ['a']), (error: Error) => {
      assert.match(error.message, /line 2/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});
