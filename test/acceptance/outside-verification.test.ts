// What others wrote checks our log, unmodified: @sigstore/verify, and golang.org/x/mod.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { sampleLog } from '../helpers/sample-log.ts';
import type { StaticExport } from '../helpers/static-log.ts';
import { makeLogSigner, makeMemoryLog } from '../helpers/tlog.ts';

const ORIGIN = 'vault.example/audit/2026';
const GO = join(import.meta.dirname, 'go');

const temporary: string[] = [];
after(() => Promise.all(temporary.map((path) => rm(path, { recursive: true, force: true }))));

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'outside-'));
  temporary.push(dir);
  return dir;
}

type Entry = {
  canonicalizedBody: Buffer;
  inclusionProof: { logIndex: string; hashes: Buffer[]; checkpoint: { envelope: string } };
};
type Authority = { logID: Buffer; baseURL: string; publicKey: object; validFor: object };
type LogCheckpoint = { logSize: bigint; logHash: Buffer };

// The package has no entry for its parts, and no list of exports that would forbid to load them.
const require = createRequire(import.meta.url);
const { verifyCheckpoint } = require('@sigstore/verify/dist/tlog/checkpoint.js') as {
  verifyCheckpoint: (entry: Entry, logs: Authority[]) => LogCheckpoint;
};
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle.js') as {
  verifyMerkleInclusion: (entry: Entry, checkpoint: LogCheckpoint) => void;
};

const signer = makeLogSigner(ORIGIN);

function authority(): Authority {
  const { publicKey, keyId } = parseVerifierKey(signer.verifierKey);
  // RFC 8410: the fixed beginning of an Ed25519 public key.
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return {
    logID: Buffer.concat([Buffer.from(keyId, 'hex'), Buffer.alloc(28)]),
    baseURL: `https://${ORIGIN}`,
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
    validFor: {},
  };
}

/** Checks an entry as a user of that package would. */
function sigstoreVerify(entry: Entry): void {
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, [authority()]));
}

async function prove(entries: readonly Buffer[], index: number): Promise<Entry> {
  const log = makeMemoryLog(entries);
  const size = entries.length;
  const envelope = signCheckpoint({ origin: ORIGIN, size, root: log.root() }, [signer]);
  return {
    canonicalizedBody: entries[index] ?? Buffer.alloc(0),
    inclusionProof: {
      logIndex: String(index),
      hashes: await log.proverAt(size).inclusion(index),
      checkpoint: { envelope },
    },
  };
}

/** An entry, and each way in which it can be altered. */
function alterations(entry: Entry, size: number): Entry[] {
  const { canonicalizedBody, inclusionProof: proof } = entry;
  const alter = (more: Partial<Entry['inclusionProof']>): Entry => ({
    canonicalizedBody,
    inclusionProof: { ...proof, ...more },
  });
  const envelope = (change: (text: string) => string) =>
    alter({ checkpoint: { envelope: change(proof.checkpoint.envelope) } });
  const [first, ...others] = proof.hashes;
  const flipped = first && Buffer.from(first.map((byte, at) => (at === 0 ? byte ^ 1 : byte)));
  return [
    { ...entry, canonicalizedBody: Buffer.concat([canonicalizedBody, Buffer.from(' ')]) },
    alter({ logIndex: String((Number(proof.logIndex) + 1) % (size + 1)) }),
    alter({ hashes: flipped === undefined ? [Buffer.alloc(32)] : [flipped, ...others] }),
    alter({ hashes: [...proof.hashes, Buffer.alloc(32)] }),
    envelope((text) => text.replace(`\n${size}\n`, `\n${size + 1}\n`)),
    envelope((text) => text.replace(ORIGIN, 'vault.example/audit/2027')),
    envelope((text) => text.replace(/=\n$/, 'A=\n')),
  ];
}

test('@sigstore/verify accepts checkpoint and inclusion proof of any entry of random logs', async () => {
  const logs = fc
    .array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 600 })
    .chain((bodies) =>
      fc.tuple(fc.constant(bodies.map((body) => Buffer.from(body))), fc.nat(bodies.length - 1)),
    );
  const property = fc.asyncProperty(logs, async ([entries, index]) => {
    sigstoreVerify(await prove(entries, index));
  });
  await fc.assert(property, { numRuns: 100 });
});

test('@sigstore/verify refuses what was altered in any part', async () => {
  for (const [size, index] of [
    [1, 0],
    [300, 299],
    [300, 17],
    [513, 256],
  ] as const) {
    const entries = Array.from({ length: size }, (_, at) => Buffer.from(`entry ${at}`));
    const entry = await prove(entries, index);
    sigstoreVerify(entry);
    for (const [nth, altered] of alterations(entry, size).entries()) {
      assert.throws(
        () => sigstoreVerify(altered),
        `alteration ${nth} of entry ${index} of ${size}`,
      );
    }
  }
});

async function save({ files }: Pick<StaticExport, 'files'>): Promise<string> {
  const dir = await temporaryDir();
  for (const [path, bytes] of files) {
    await mkdir(join(dir, dirname(path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
  return dir;
}

/** Builds the Go program; a text says why it cannot be built here. */
async function buildGo(): Promise<{ program: string } | { skip: string }> {
  if (spawnSync('go', ['version']).status !== 0) {
    return { skip: 'there is no go on the PATH' };
  }
  const program = join(await temporaryDir(), 'verify');
  const cache = await temporaryDir();
  const env = { ...process.env, GOCACHE: join(cache, 'build'), GOMODCACHE: join(cache, 'mod') };
  // -modcacherw: so that the cache can be removed again.
  const args = ['build', '-mod=readonly', '-modcacherw', '-o', program, '.'];
  const built = spawnSync('go', args, { cwd: GO, env, encoding: 'utf8' });
  const isOffline = /dial tcp|lookup |timeout|proxy/i.test(built.stderr);
  if (built.status !== 0 && isOffline) {
    return { skip: 'the Go module proxy cannot be reached' };
  }
  assert.equal(built.status, 0, built.stderr);
  return { program };
}

test('a Go program on golang.org/x/mod verifies an export, and refuses one that was altered', async (t) => {
  const built = await buildGo();
  if ('skip' in built) {
    t.skip(built.skip);
    return;
  }
  const run = async (exported: Pick<StaticExport, 'files'>, vkey: string) =>
    spawnSync(built.program, [await save(exported), vkey], { encoding: 'utf8' });

  for (const size of [600, 70_000]) {
    const log = sampleLog(size);
    const exported = log.export();
    const { status, stdout, stderr } = await run(exported, log.signer.verifierKey);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      new RegExp(`^log\\.test/audit/2026: ${size} entries, root .*: verified\n$`),
    );
  }

  const log = sampleLog(600);
  const exported = log.export();
  for (const path of ['checkpoint', 'tile/0/001', 'tile/1/000.p/2', 'tile/entries/002.p/88']) {
    const bytes = Buffer.from(exported.files.get(path) ?? Buffer.alloc(0));
    bytes[50] = (bytes[50] ?? 0) ^ 1;
    const files = new Map(exported.files).set(path, bytes);
    const { status } = await run({ files }, log.signer.verifierKey);
    assert.equal(status, 1, `${path} was altered`);
  }
  const { status } = await run(exported, makeLogSigner(log.origin).verifierKey);
  assert.equal(status, 1, 'another key');
});
