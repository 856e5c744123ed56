import assert from 'node:assert/strict';
import { it } from 'node:test';
import { termOf } from '../../../../crypto/audit-term.ts';
import { SecretKey } from '../../../../crypto/secret.ts';
import type { AuditEvent } from '../../../../domain/audit/event.ts';
import { makeEventTerms } from './terms.ts';

const key = (n = 1) => SecretKey.take(Buffer.alloc(32, n));
const actor = (subject: string) => ({ subject, issuer: 'i', credential: 'c', mfa: false });
const event = (more: Partial<Pick<AuditEvent, 'who' | 'what'>>): AuditEvent => ({
  operation: 'lookup',
  outcome: 'allow',
  status: 200,
  items: 1,
  who: {},
  what: {},
  ...more,
});

it('gives each kind of text a term of its own, remembered or not', () => {
  const terms = makeEventTerms();
  const texts = event({
    who: { actor: actor('same') },
    what: { tokens: ['same'], purpose: 'same', reference: 'same' },
  });
  const one = key();
  const first = terms(one, texts);
  assert.equal(new Set(first.map(({ hash }) => hash)).size, 4);
  assert.deepEqual(terms(one, texts), first);
});

it('remembers nothing across keys: each month has terms of its own', () => {
  const terms = makeEventTerms();
  const ada = event({ who: { actor: actor('ada') } });
  const [january, february] = [key(1), key(2)];
  assert.deepEqual(terms(january, ada), [termOf(january, 'actor', 'ada')]);
  assert.deepEqual(terms(february, ada), [termOf(february, 'actor', 'ada')]);
  assert.deepEqual(terms(january, ada), [termOf(january, 'actor', 'ada')]);
});

it('stays right however many callers there are', () => {
  const terms = makeEventTerms();
  const one = key();
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 5_000; index += 1) {
      const [term] = terms(one, event({ who: { actor: actor(`caller-${index}`) } }));
      if (index % 1_000 === 0) assert.deepEqual(term, termOf(one, 'actor', `caller-${index}`));
    }
  }
});

it('finds a text with a lone surrogate by what its disclosure says', () => {
  const one = key();
  const [term] = makeEventTerms()(one, event({ what: { reference: 'x\ud800' } }));
  assert.deepEqual(term, termOf(one, 'reference', 'x\ufffd'));
});
