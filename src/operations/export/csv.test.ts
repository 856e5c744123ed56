import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EventView } from '../../domain/audit/event-view.ts';
import { csvHeader, renderCsv } from './csv.ts';

const view: EventView = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  index: 7,
  shard: '2026',
  time: '2026-11-22T00:00:00.000Z',
  action: 'detokenize',
  outcome: 'deny',
  status: 403,
  reason: 'forbidden',
  vault: 'demo',
  items: 2,
  actor: { subject: 'ada', mfa: false },
  tokens: ['tok_1', 'tok_2'],
};

const ofActor = (subject: string) => renderCsv([{ ...view, actor: { subject } }]);

/** Reads CSV as RFC 4180 says: cells of the one record that there is. */
function cellsOf(text: string): string[] {
  const cells: string[] = [];
  let rest = text.replace(/\r\n$/, '');
  for (;;) {
    const [whole = '', quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^",]*))/.exec(rest) ?? [];
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (whole.length === rest.length) return cells;
    assert.equal(rest[whole.length], ',', 'a cell ends at a comma');
    rest = rest.slice(whole.length + 1);
  }
}

test('an event is one line, with the columns that the first line names', () => {
  const names = cellsOf(csvHeader());
  const cells = cellsOf(renderCsv([view]));
  assert.equal(cells.length, names.length);
  const row = Object.fromEntries(names.map((name, at) => [name, cells[at]]));
  assert.equal(row['index'], '7');
  assert.equal(row['actor'], 'ada');
  assert.equal(row['mfa'], 'false');
  assert.equal(row['tokens'], 'tok_1 tok_2');
  assert.equal(row['reference'], '');
  assert.equal(names.slice(0, 6).join(), 'id,index,shard,time,action,outcome');
});

test('whatever a caller is called, the line has as many cells, one line and no formula', () => {
  const count = cellsOf(csvHeader()).length;
  const spiteful = fc.string({
    unit: fc.constantFrom(
      ...'=+-@;,"\'\t\r\n \u0000\u001b\u007f\u0085\u202e\u2066\u2028\ufeff\uff1da1😀',
    ),
    maxLength: 20,
  });
  fc.assert(
    fc.property(spiteful, (subject) => {
      const text = ofActor(subject);
      assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*\r\n$/u);
      const cells = cellsOf(text);
      assert.equal(cells.length, count);
      for (const cell of cells) {
        assert.doesNotMatch(cell, /^[=+\-@\uff1d]/u);
        assert.doesNotMatch(cell, /;["'\s]*[=+\-@\uff1d]/u);
      }
    }),
    { numRuns: 2000 },
  );
});

test('the usual attacks are shown, not run', () => {
  assert(ofActor('=cmd|"/c calc"!A1').includes(`"'=cmd|""/c calc""!A1"`));
  assert(ofActor('x;=1+1').includes('x\\u{3b}=1+1'));
  assert(ofActor('eve\n2026,allow').includes('"eve\\u{a}2026,allow"'));
  assert(ofActor('moc.\u202eelpmaxe').includes('moc.\\u{202e}elpmaxe'));
  assert(ofActor('Mozilla/5.0 (X11; Linux)').includes('(X11; Linux)'));
});
