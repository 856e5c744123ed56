import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leaf } from '../domain/audit/read-leaf.ts';
import { renderEntry } from './audit-line.ts';

const leaf: Leaf = {
  v: 1,
  id: 'x',
  t: 0,
  _sd: [],
  op: 'detokenize',
  out: 'deny',
  rc: 403,
  rsn: 'forbidden',
  n: 1,
};

test('an event is one line with what is known of it', () => {
  const who = { actor: { sub: 'dev-support' }, src: { ip: '127.0.0.1' } };
  const what = { fld: ['email', 'pan'], view: 'masked', req: { purpose: 'support-ticket' } };
  assert.equal(
    renderEntry({ intact: true, leaf, who, what }),
    '1970-01-01T00:00:00.000Z deny detokenize 403 reason=forbidden by=dev-support from=127.0.0.1 fields=email,pan view=masked purpose=support-ticket items=1',
  );
  assert.match(renderEntry({ intact: true, leaf }), /403 reason=forbidden items=1$/);
});

test('what a caller has chosen can neither forge a line nor steer the terminal', () => {
  const who = { actor: { sub: 'eve\n1970 allow\u001b[2J\u202e' } };
  const line = renderEntry({ intact: true, leaf, who });
  assert.match(line, /^[\x20-\x7e]+$/);
  assert.match(line, /by="eve\\n1970 allow/);
});

test('an altered batch is called altered', () => {
  const entry = { intact: false, day: '2026-01-01', bootId: 'b', firstSeq: 7n } as const;
  assert.match(renderEntry(entry), /^ALTERED: .* b from number 7 /);
});
