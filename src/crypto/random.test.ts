import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeRandom, randomBytes, randomInto } from './random.ts';

/** A fake generator that counts up from 1, so that each byte can be recognised (up to 255 of them). */
function counting() {
  let next = 1;
  const filled: Buffer[] = [];
  const fill = (target: Buffer): void => {
    filled.push(target);
    for (let i = 0; i < target.length; i += 1) {
      assert.ok(next <= 255, 'the fake generator is used up');
      target[i] = next;
      next += 1;
    }
  };
  return { fill, filled };
}

test('no byte of the generator is handed out twice, nor a wiped one, whatever the sizes', () => {
  const blockSize = fc.integer({ min: 1, max: 8 });
  const lengths = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 20 });
  fc.assert(
    fc.property(blockSize, lengths, (blockBytes, draws) => {
      const random = makeRandom({ blockBytes, fill: counting().fill });
      // Every other draw goes into a place in a buffer of the caller.
      const drawn = draws.map((length, index) => {
        if (index % 2 === 0) return random.bytes(length);
        const target = Buffer.alloc(length + 2);
        random.into(target, 1, length);
        assert.deepEqual([target[0], target[length + 1]], [0, 0]);
        return target.subarray(1, length + 1);
      });
      assert.deepEqual(
        drawn.map((buffer) => buffer.length),
        draws,
      );
      const bytes = drawn.flatMap((buffer) => [...buffer]);
      assert.equal(new Set(bytes).size, bytes.length);
      assert.ok(!bytes.includes(0));
    }),
    { numRuns: 500 },
  );
});

test('draws follow one another in the block, and the last byte of a block is used', () => {
  const { fill, filled } = counting();
  const { bytes: random } = makeRandom({ blockBytes: 8, fill });
  assert.deepEqual([...random(3)], [1, 2, 3]);
  assert.deepEqual([...random(5)], [4, 5, 6, 7, 8]);
  assert.equal(filled.length, 1);
  assert.deepEqual([...random(1)], [9]);
  assert.equal(filled.length, 2);
});

test('a draw that does not fit in the rest of the block comes whole from a new one', () => {
  const { fill } = counting();
  const { bytes: random } = makeRandom({ blockBytes: 8, fill });
  random(6);
  assert.deepEqual([...random(4)], [9, 10, 11, 12]);
});

test('consumed bytes are wiped from the block, unconsumed ones are not', () => {
  const { fill, filled } = counting();
  const { bytes: random } = makeRandom({ blockBytes: 8, fill });
  const drawn = random(3);
  assert.deepEqual([...(filled[0] ?? [])], [0, 0, 0, 4, 5, 6, 7, 8]);
  assert.notEqual(drawn.buffer, filled[0]?.buffer);
});

test('a draw longer than the block is served directly and leaves the block alone', () => {
  const { fill } = counting();
  const { bytes: random } = makeRandom({ blockBytes: 4, fill });
  assert.deepEqual([...random(1)], [1]);
  assert.equal(random(9).length, 9);
  assert.deepEqual([...random(3)], [2, 3, 4]);
});

test('a generator that fails hands nothing out, then and until it works again', () => {
  let broken = false;
  const { fill } = counting();
  const { bytes: random, into } = makeRandom({
    blockBytes: 4,
    fill: (target) => {
      if (broken) {
        throw new Error('no entropy');
      }
      fill(target);
    },
  });
  random(3);
  broken = true;
  assert.throws(() => random(2), /no entropy/);
  assert.throws(() => random(1), /no entropy/);
  const target = Buffer.alloc(3);
  assert.throws(() => into(target, 0, 3), /no entropy/);
  assert.deepEqual(target, Buffer.alloc(3));
  broken = false;
  assert.deepEqual([...random(2)], [5, 6]);
});

test('impossible lengths are refused', () => {
  for (const length of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => randomBytes(length), RangeError);
  }
});

test('a place that is not wholly in the buffer is refused, and nothing is drawn for it', () => {
  const { fill } = counting();
  const { bytes, into } = makeRandom({ blockBytes: 8, fill });
  const target = Buffer.alloc(4);
  for (const [offset, length] of [
    [0, 5],
    [3, 2],
    [-1, 2],
    [0, -1],
    [0, Number.NaN],
    [5, 0],
  ] as const) {
    assert.throws(() => into(target, offset, length), RangeError);
    assert.throws(() => randomInto(target, offset, length), RangeError);
  }
  assert.deepEqual(target, Buffer.alloc(4));
  assert.deepEqual([...bytes(2)], [1, 2]);
});

test('the process generator does not repeat itself', () => {
  const draws = new Set(Array.from({ length: 20_000 }, () => randomBytes(16).toString('hex')));
  assert.equal(draws.size, 20_000);
});
