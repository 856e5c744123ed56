// Mutated inputs for parsers.
import assert from 'node:assert/strict';
import fc from 'fast-check';

/** What may come from elsewhere into a mutated input: separators, digits and characters that bite. */
const PIECES = [
  '\n',
  '\n\n',
  ' ',
  '0',
  '1',
  '9',
  '+',
  '=',
  'A',
  '\u2014 ',
  '\r',
  '\t',
  '\0',
  '\ufeff',
]
  .concat([
    '\u00a0',
    'x',
    '/',
    '.p/',
    '-',
    'e',
    'none',
    '9007199254740993',
    'extra AAAA\n',
    'index 1\n',
  ])
  .map((piece) => Buffer.from(piece));
const position = fc.double({ min: 0, max: 1, noNaN: true });
const mutation = fc.record({
  from: position,
  to: position,
  at: position,
  kind: fc.constantFrom('flip', 'insert', 'delete', 'copy', 'move', 'cut', 'line'),
  piece: fc.oneof(fc.constantFrom(...PIECES), fc.uint8Array({ minLength: 1, maxLength: 4 })),
  bit: fc.nat(7),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;
const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

function mutate(input: Buffer, { kind, piece, bit, ...places }: Mutation): Buffer {
  const place = (share: number) => Math.floor(share * input.length);
  const at = place(places.at);
  const [from = 0, to = 0] = [place(places.from), place(places.to)].sort((a, b) => a - b);
  const short = input.subarray(from, Math.min(to, from + 40));
  const insert = (what: Uint8Array) =>
    Buffer.concat([input.subarray(0, at), what, input.subarray(at)]);
  switch (kind) {
    case 'flip':
      return Buffer.from(input.map((byte, index) => (index === at ? byte ^ (2 ** bit) : byte)));
    case 'insert':
      return insert(piece);
    case 'delete':
      return Buffer.concat([input.subarray(0, from), input.subarray(from + short.length)]);
    case 'copy':
      return insert(short);
    case 'move':
      return Buffer.concat([input.subarray(to), input.subarray(0, to)]);
    case 'cut':
      return input.subarray(0, at);
    case 'line': {
      const lines = input.toString('latin1').split('\n');
      const [line = ''] = lines.splice(Math.floor(places.from * lines.length), 1);
      lines.splice(Math.floor(places.to * lines.length), bit % 2, line);
      return Buffer.from(lines.join('\n'), 'latin1');
    }
    default:
      return assert.fail(kind);
  }
}

/**
 * Gives the reader this many mutations of the input. It must refuse by such an error, or return having
 * asserted that what it read is true. Mutations that change nothing are left out. At least half must be
 * refused, or another share of them. A failure tells the seed that repeats it.
 */
export function fuzz(options: {
  input: string | Buffer;
  runs: number;
  read: (bytes: Buffer) => void;
  isRefusal: (error: unknown) => boolean;
  leastRefused?: number;
}): void {
  const input = Buffer.from(options.input);
  let refused = 0;
  const property = fc.property(mutations, (steps) => {
    const bytes = steps.reduce(mutate, input);
    fc.pre(!bytes.equals(input));
    try {
      options.read(bytes);
    } catch (error) {
      if (!options.isRefusal(error)) {
        throw error;
      }
      refused += 1;
    }
  });
  fc.assert(property, { numRuns: options.runs });
  const least = options.runs * (options.leastRefused ?? 0.5);
  assert.ok(refused >= least, `only ${refused} of ${options.runs} were refused`);
}
