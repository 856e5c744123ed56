import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvFormat } from './csv.ts';
import type { BulkRecord, ReadFrom } from './record.ts';

const read = async (bytes: Buffer, columns: readonly string[], from?: ReadFrom) => {
  const input = Readable.from(bytes.length === 0 ? [] : [bytes.subarray(from?.offset ?? 0)]);
  const source = await csvFormat({ columns, delimiter: ',' }).open(input, from);
  const records: BulkRecord[] = [];
  for await (const record of source.records) records.push(record);
  return { head: source.head, records };
};

const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r\n', ' ', '🙂', '7') });

test('what is not swapped leaves byte for byte, quotes, line ends and byte order mark included', async () => {
  const table = fc.record({
    mark: fc.constantFrom('', '\uFEFF'),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    rows: fc.array(fc.tuple(cell, cell, fc.boolean()), { minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(table, async ({ mark, lineEnd, rows }) => {
      const quote = (text: string, always: boolean) =>
        always || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      const lines = rows.map(([a, b, always]) => `${quote(a, true)},${quote(b, always)}${lineEnd}`);
      const bytes = Buffer.from(`${mark}a,"b"${lineEnd}${lines.join('')}`);
      const { head, records } = await read(bytes, ['b']);
      const same = head + records.map((record) => record.render([undefined])).join('');
      assert.equal(same, bytes.toString());
      assert.deepEqual(
        records.map(({ values }) => values[0] ?? ''),
        rows.map(([, b]) => b),
      );
      const again = head + records.map((one) => one.render([...one.values])).join('');
      assert.equal(again, bytes.toString());
    }),
  );
});

test('reading goes on behind any record as if it had never stopped', async () => {
  const bytes = Buffer.from('id,"na,me"\r\n1,"é\r\nx"\r\n2,b\r\n3,"c"\r\n');
  const whole = await read(bytes, ['na,me']);
  for (const [index, { endAt, number }] of whole.records.entries()) {
    const rest = await read(bytes, ['na,me'], { offset: endAt, number, head: whole.head });
    assert.deepEqual(
      rest.records.map((record) => [record.number, record.endAt, record.values]),
      whole.records.slice(index + 1).map((record) => [record.number, record.endAt, record.values]),
    );
    assert.equal(rest.head, whole.head);
  }
  assert.equal(whole.records.at(-1)?.endAt, bytes.length);
});

test('a table that is not one is refused without a word of its content', async () => {
  const rows = [
    ['a,b\n1,hunter2,3\n', 'a', /record 1 has 3 cells, the header 2/],
    ['a,b\n1,"hunter2\n', 'a', /near record \d it is no such table/],
    ['a,b\n1,2\n', 'c', /no column c/],
    ['a,a\n1,2\n', 'a', /two columns a/],
    ['', 'a', /it is empty/],
  ] as const;
  for (const [text, column, message] of rows) {
    await assert.rejects(read(Buffer.from(text), [column]), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});
