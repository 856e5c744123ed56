import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from './event.ts';
import { viewEvent } from './event-view.ts';
import { leafJson, whatDisclosure, whoDisclosure } from './leaf.ts';
import { type Leaf, readLeaf } from './read-leaf.ts';

const EVENT: AuditEvent = {
  operation: 'detokenize',
  outcome: 'deny',
  status: 403,
  reason: 'view_not_granted',
  vault: 'demo',
  policy: '1:ab',
  items: 2,
  count: 3,
  attributes: { size: 5 },
  who: {
    actor: { subject: 'ada', issuer: 'https://id.test', credential: 'jwt:k1', mfa: true },
    source: { ip: '192.0.2.1', userAgent: 'curl' },
  },
  what: {
    requestId: 'r1',
    tokens: ['tok_1'],
    fields: ['email'],
    view: 'masked',
    purpose: 'care',
    reference: 'C-7',
    query: { action: 'detokenize' },
  },
};

function leafOf(event: AuditEvent, digests: string[]): Leaf {
  const id = 'a'.repeat(22);
  const leaf = readLeaf(leafJson({ event, id, atMs: 1_770_000_000_001, digests }));
  assert.ok(leaf);
  return leaf;
}

test('everything that an event said can be read back', () => {
  const view = viewEvent({
    leaf: leafOf(EVENT, ['x', 'y']),
    index: 7,
    shard: '2026',
    who: { value: whoDisclosure(EVENT) },
    what: { value: whatDisclosure(EVENT) },
  });
  const { operation, who, what, ...plain } = EVENT;
  assert.deepEqual(view, {
    ...plain,
    ...what,
    ...who,
    action: operation,
    id: 'a'.repeat(22),
    index: 7,
    shard: '2026',
    time: '2026-02-02T02:40:00.001Z',
  });
});

test('what cannot be opened is named as erased, but for leaves that never disclosed anything', () => {
  const input = { index: 0, shard: '2026', who: undefined, what: undefined };
  const erased = viewEvent({ ...input, leaf: leafOf(EVENT, ['x', 'y']) });
  assert.deepEqual(erased.erased, ['who', 'what']);
  assert.equal(erased.actor, undefined);
  assert.equal(erased.tokens, undefined);
  assert.equal(viewEvent({ ...input, leaf: leafOf(EVENT, []) }).erased, undefined);
});

test('a disclosure of another shape is shown as far as it is understood', () => {
  for (const value of [null, 5, 'x', [], { actor: 5, src: [], tok: [1], req: 'x', view: {} }]) {
    const view = viewEvent({
      leaf: leafOf(EVENT, ['x']),
      index: 0,
      shard: '2026',
      who: { value },
      what: { value },
    });
    assert.equal(view.tokens, undefined);
    assert.equal(view.actor?.subject, undefined);
    assert.equal(view.erased, undefined);
  }
});
