import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { decryptAge, makeAgeEncryption, newAgeIdentity } from './age.ts';
import { makeRunningDigest } from './running-digest.ts';

const CHUNK = Buffer.alloc(100_000, 7);

async function* chunksOf(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function bytesOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('what is encrypted opens with the identity of each recipient, and with another reader of the format', async () => {
  const one = await newAgeIdentity();
  const other = await newAgeIdentity();
  const encrypt = makeAgeEncryption([one.recipient, other.recipient]);
  const file = await bytesOf(encrypt(chunksOf(CHUNK, CHUNK)));
  for (const { identity } of [one, other]) {
    const plain = await bytesOf(decryptAge(chunksOf(file), [identity]));
    assert.deepEqual(plain, Buffer.concat([CHUNK, CHUNK]));
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    assert.deepEqual(Buffer.from(await decrypter.decrypt(file)), plain);
  }
});

test('one encryption serves many files, and no two are alike', async () => {
  const { identity, recipient } = await newAgeIdentity();
  const encrypt = makeAgeEncryption([recipient]);
  const files = [await bytesOf(encrypt(chunksOf(CHUNK))), await bytesOf(encrypt(chunksOf(CHUNK)))];
  assert.notDeepEqual(files[0], files[1]);
  for (const file of files) {
    assert.deepEqual(await bytesOf(decryptAge(chunksOf(file), [identity])), CHUNK);
  }
});

test('hybrid recipients are supported, and what is no recipient is refused without being quoted', async () => {
  const identity = await generateHybridIdentity();
  const encrypt = makeAgeEncryption([await identityToRecipient(identity)]);
  const file = await bytesOf(encrypt(chunksOf(CHUNK)));
  assert.deepEqual(await bytesOf(decryptAge(chunksOf(file), [identity])), CHUNK);
  const secret = (await newAgeIdentity()).identity;
  assert.throws(
    () => makeAgeEncryption([secret]),
    (error: Error) => /no age recipient/.test(error.message) && !error.message.includes(secret),
  );
});

test('another identity, a bit elsewhere and a cut are refused with one line', async () => {
  const { identity, recipient } = await newAgeIdentity();
  const file = await bytesOf(makeAgeEncryption([recipient])(chunksOf(CHUNK)));
  const other = (await newAgeIdentity()).identity;
  await assert.rejects(bytesOf(decryptAge(chunksOf(file), [other])), { code: 'internal' });
  for (const length of [0, 50, file.length - 50_000, file.length - 1]) {
    const cut = chunksOf(file.subarray(0, length));
    await assert.rejects(bytesOf(decryptAge(cut, [identity])), { code: 'internal' });
  }
  const altered = Buffer.from(file);
  altered[file.length - 10] = altered.readUInt8(file.length - 10) ^ 1;
  await assert.rejects(bytesOf(decryptAge(chunksOf(altered), [identity])), /altered/);
});

test('a source that fails is what the reader hears of', async () => {
  const { identity, recipient } = await newAgeIdentity();
  const file = await bytesOf(makeAgeEncryption([recipient])(chunksOf(CHUNK)));
  const broken = async function* () {
    yield file.subarray(0, 70_000);
    throw new Error('the disk');
  };
  await assert.rejects(bytesOf(decryptAge(broken(), [identity])), /the disk/);
  await assert.rejects(bytesOf(makeAgeEncryption([recipient])(broken())), /the disk/);
});

test('whoever reads slowly makes the source wait, and whoever leaves ends it', async () => {
  const { recipient } = await newAgeIdentity();
  let drawn = 0;
  const ended = Promise.withResolvers<void>();
  const endless = async function* () {
    try {
      for (;;) {
        drawn += 1;
        yield CHUNK;
      }
    } finally {
      ended.resolve();
    }
  };
  let taken = 0;
  for await (const _chunk of makeAgeEncryption([recipient])(endless())) {
    taken += 1;
    assert.ok(drawn < taken + 8);
    if (taken === 50) break;
  }
  await ended.promise;
});

test('a running digest is that of everything added by then', () => {
  const digest = makeRunningDigest();
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  assert.equal(digest.hex(), empty);
  digest.add(Buffer.from('a'));
  digest.add(Buffer.from('bc'));
  // FIPS 180-4, the example "abc".
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.deepEqual([digest.hex(), digest.hex()], [abc, abc]);
});
