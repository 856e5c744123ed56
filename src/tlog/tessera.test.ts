// The test log that transparency-dev/tessera publishes, made again byte for byte.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBundle } from './bundle.ts';
import { openCheckpoint, signCheckpoint } from './checkpoint.ts';
import { makeEdge } from './edge.ts';
import { hashLeaves } from './hash.ts';
import { makeNoteSigner, parseSigningKey } from './signing-key.ts';
import { formatTilePath } from './tile-path.ts';
import { parseVerifierKey } from './verifier-key.ts';

// Typed in: the checkpoint of all 15 entries.
const WORDS = 'one two three four five six seven eit nain ten ileven twelf threeten fourten fivten';
const ENTRIES = WORDS.split(' ').map((word) => Buffer.from(word));
const SIGNING_KEY =
  'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg';
const VERIFIER_KEY =
  'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const CHECKPOINT = `example.com/log/testdata
15
rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=
`;

/** The files of the log of the first `size` entries, by path. */
function logOf(size: number): { checkpoint: string; tile: Buffer; bundle: Buffer } {
  const entries = ENTRIES.slice(0, size);
  const tile = hashLeaves(entries);
  const edge = makeEdge();
  edge.append(tile);
  const checkpoint = { origin: 'example.com/log/testdata', size, root: edge.root() };
  const signer = makeNoteSigner(parseSigningKey(SIGNING_KEY));
  const bundle = size === 0 ? Buffer.alloc(0) : encodeBundle(entries);
  return { checkpoint: signCheckpoint(checkpoint, [signer]), tile, bundle };
}

test("Tessera's published checkpoint of 15 entries comes out byte for byte", () => {
  assert.equal(logOf(15).checkpoint, CHECKPOINT);
});

// biome-ignore lint/style/noProcessEnv: only a test asks where the larger published vectors lie.
const vectors = process.env['COUNTERFOIL_TEST_VECTORS'];
test("every checkpoint, tile and bundle of Tessera's test log comes out byte for byte", {
  skip: vectors === undefined && 'COUNTERFOIL_TEST_VECTORS is not set',
}, () => {
  const folder = join(vectors ?? '', 'tessera-log');
  const read = (path: string) => readFileSync(join(folder, path));
  const log = [parseVerifierKey(VERIFIER_KEY)];
  const origin = 'example.com/log/testdata';
  for (let size = 0; size <= 15; size += 1) {
    const { checkpoint, tile, bundle } = logOf(size);
    const note = read(`checkpoint.${size}`);
    assert.equal(checkpoint, note.toString());
    assert.equal(openCheckpoint({ note, origin, log }).checkpoint.size, size);
    if (size > 0) {
      const place = { index: 0, width: size };
      assert.deepEqual(read(formatTilePath({ level: 0, ...place })), tile);
      assert.deepEqual(read(formatTilePath({ level: 'entries', ...place })), bundle);
    }
  }
  assert.deepEqual(read('checkpoint'), read('checkpoint.15'));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  assert.equal(files.filter((file) => file.isFile()).length, 17 + 15 + 15);
});
