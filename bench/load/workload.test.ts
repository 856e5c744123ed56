import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBodies, makeRequests, single, type Workload } from './workload.ts';

test('items of a list come in turn, over the bounds of bodies', () => {
  const list = { kind: 'list', texts: ['1', '2', '3'] } as const;
  const next = makeBodies({ open: '[', items: list, count: 2, separator: ',', close: ']' }, 'r');
  assert.deepEqual([next(), next(), next()], ['[1,2]', '[3,1]', '[2,3]']);
});

test('what is fresh never comes twice, nor in another run', () => {
  const pattern = single({ kind: 'fresh', before: '<', after: '>' });
  const [one, other] = [makeBodies(pattern, 'a'), makeBodies(pattern, 'b')];
  const bodies = Array.from({ length: 1_000 }, () => [one(), other()]).flat();
  assert.equal(new Set(bodies).size, 2_000);
});

test('paths take turns', () => {
  const body = single({ kind: 'list', texts: ['x'] });
  const requests = [
    { path: '/1', body },
    { path: '/2', body },
  ];
  const workload: Workload = { token: '', mediaType: 'application/json', requests };
  const next = makeRequests(workload, 'r');
  assert.deepEqual([next().path, next().path, next().path], ['/1', '/2', '/1']);
});
