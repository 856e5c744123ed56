import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settleLuhn } from '../tokens/slots.ts';
import { normaliseCard } from '../values/card.ts';
import { luhnSum } from './luhn.ts';

const anyCard = fc.stringMatching(/^[0-9]{12,19}$/);

test('agrees with what the type card accepts', () => {
  fc.assert(
    fc.property(anyCard, (digits) => {
      const isCard = luhnSum(digits) === 0;
      if (isCard) {
        assert.equal(normaliseCard(digits), digits);
      } else {
        assert.throws(() => normaliseCard(digits));
      }
    }),
  );
  assert.equal(luhnSum('4111111111111111'), 0);
  assert.equal(luhnSum('79927398713'), 0);
});

test('one digit anywhere settles the sum to whatever is wanted, and nothing else changes', () => {
  fc.assert(
    fc.property(anyCard, fc.nat(11), fc.nat(9), (text, at, residue) => {
      const settled = settleLuhn({ text, at, residue });
      assert.equal(luhnSum(settled), residue);
      assert.equal(
        settled.slice(0, at) + settled.slice(at + 1),
        text.slice(0, at) + text.slice(at + 1),
      );
    }),
  );
});
