// Checks the receipt of an erasure with nothing but Node.js: neither the service nor its code is needed.
//
//   node check-erasure-receipt.mjs VERIFIER_KEY < receipt
//
// VERIFIER_KEY is `name+id+base64`, from somebody whom you trust. Prints what the receipt says, or ends with 1.
// The format is that of https://c2sp.org/signed-note, with Ed25519 signatures (type 0x01).
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [, name, id, key64] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(process.argv[2] ?? '') ?? [];
const key = Buffer.from(key64 ?? '', 'base64');
const note = readFileSync(0, 'utf8');
const end = note.lastIndexOf('\n\n') + 1;
const text = note.slice(0, end);
const signature = note
  .slice(end + 1)
  .split('\n')
  .map((line) => line.split(' '))
  .filter(([dash, by]) => dash === '\u2014' && by === name)
  .map(([, , base64 = '']) => Buffer.from(base64, 'base64'))
  .find((bytes) => bytes.subarray(0, 4).toString('hex') === id);

// The first line names what was signed: a receipt about an erasure, and not some other note of this key.
const isReceipt = key[0] === 1 && key.length === 33 && text.startsWith(`${name}\n`);
const publicKey = () =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') },
    format: 'jwk',
  });
if (
  isReceipt &&
  signature !== undefined &&
  verify(undefined, Buffer.from(text), publicKey(), signature.subarray(4))
) {
  process.stdout.write(text);
} else {
  process.stdout.write('not valid\n');
  process.exitCode = 1;
}
