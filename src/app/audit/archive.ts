import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findCheckpoint } from '../../adapters/postgres/audit/retention/segments.ts';
import { sha256Hex } from '../../crypto/digest.ts';
import { sha256HexOf } from '../../crypto/digest-stream.ts';
import { disclosureDigest } from '../../crypto/disclosure.ts';
import { isErased } from '../../crypto/open-disclosure.ts';
import { readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Shard, StoredEvent } from '../../operations/ports/audit-reader.ts';
import { decodeBundle } from '../../tlog/bundle.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { hashLeaves } from '../../tlog/hash.ts';
import { parseNote } from '../../tlog/note.ts';
import { makeProver } from '../../tlog/prover.ts';
import { TILE_WIDTH, type TileId, tilesOf } from '../../tlog/tile.ts';
import { formatTilePath, type TilePath } from '../../tlog/tile-path.ts';
import { fileProblem } from '../start-error.ts';
import type { Operator } from './operator.ts';

type Archive = { dir: string; shard: Shard; minIndex: number };

/**
 * Makes sure that a folder, a static export of a shard, has everything that pruning to `minIndex` takes
 * away: a checkpoint of this very tree that the log has published, all its tiles, every entry bundle below
 * the index, and every disclosure there that the log can still open. Everything is compared with the log.
 *
 * @returns the archive's SHA-256: over the lines `<hex SHA-256 of a file>  <path>\n` of all its files, sorted
 *   by path, as `sha256sum` prints them
 * @throws VaultError one line for the operator
 */
export async function checkArchive(operator: Operator, archive: Archive): Promise<string> {
  const size = await checkCheckpoint(operator, archive);
  await checkTiles(operator, archive, size);
  await checkBundles(operator, archive);
  await checkDisclosures(operator, archive);
  return digestFolder(archive.dir);
}

/** The tree's size by the archive's checkpoint, which is one that the log has signed. */
async function checkCheckpoint(operator: Operator, archive: Archive): Promise<number> {
  const { dir, shard, minIndex } = archive;
  const note = parsed('checkpoint', parseNote, await read(dir, 'checkpoint'));
  const { origin, size, root } = parsed('checkpoint', parseCheckpoint, note.text);
  if (origin !== shard.origin) {
    throw unfit('it is of another log, or another shard');
  }
  if (size < minIndex) {
    throw unfit(`it ends at index ${size}, before the index to prune to, ${minIndex}`);
  }
  const signed = await findCheckpoint(operator.pool, { logId: shard.logId, size });
  const known = signed === undefined ? undefined : parseNote(signed);
  // Ed25519 is deterministic (RFC 8032): the same key on the same text gives the same line.
  const isOwn = known?.signatures.some(
    ({ name, blob }) =>
      name === origin &&
      note.signatures.some((line) => line.name === name && line.blob.equals(blob)),
  );
  if (isOwn !== true || known?.text !== note.text) {
    throw unfit('its checkpoint is not one that the log has published');
  }
  const readTile = (tile: TileId) => tileOf(operator, shard, tile);
  if (!(await makeProver({ size, readTile }).root()).equals(root)) {
    throw new VaultError('internal', {
      detail: 'The log does not have the tree that it signed: run audit fsck.',
    });
  }
  return size;
}

async function checkTiles(operator: Operator, { dir, shard }: Archive, size: number) {
  for (const tile of tilesOf(size)) {
    const path = formatTilePath(tile);
    if (!(await tileOf(operator, shard, tile)).equals(await read(dir, path))) {
      throw unfit(`${path} is not as the log has it`);
    }
  }
}

/** What was pruned before need not be in it: the archive of that time has it. */
async function checkBundles(operator: Operator, { dir, shard, minIndex }: Archive) {
  const first = Math.floor(shard.minIndex / TILE_WIDTH);
  for (let index = first; index < minIndex / TILE_WIDTH; index += 1) {
    const path = formatTilePath({ ...FULL, level: 'entries', index });
    const bundle = await read(dir, path);
    const leaves = parsed(path, (bytes) => decodeBundle(bytes, TILE_WIDTH), bundle);
    const hashes = await tileOf(operator, shard, { ...FULL, level: 0, index });
    if (!hashLeaves(leaves).equals(hashes)) {
      throw unfit(`${path} does not hash to the tree`);
    }
  }
}

const FULL: Pick<TilePath, 'width'> = { width: TILE_WIDTH };

async function checkDisclosures(operator: Operator, { dir, shard, minIndex }: Archive) {
  const lines = readDisclosures(dir);
  const range = { from: shard.minIndex, to: minIndex };
  try {
    let line = await lines.next();
    for await (const events of operator.reader.read(shard.logId, range)) {
      for (const event of events) {
        while (line.done !== true && line.value.index < event.index) line = await lines.next();
        const found = line.done !== true && line.value.index === event.index ? line.value : {};
        await checkEntry(operator, event, found);
      }
    }
  } finally {
    // The file is still open when not all of it was asked for.
    await lines.return(undefined);
  }
}

type Disclosures = { who?: unknown; what?: unknown };

async function checkEntry({ keysets }: Operator, event: StoredEvent, found: Disclosures) {
  const leaf = readLeaf(event.leaf);
  for (const label of ['who', 'what'] as const) {
    const disclosure = event[label];
    const isThere =
      leaf !== undefined &&
      !isErased(disclosure) &&
      (await keysets.findPrivateCipher(disclosure.vaultId, leaf.t)) !== undefined;
    const text = found[label];
    if (isThere && !(typeof text === 'string' && leaf._sd.includes(disclosureDigest(text)))) {
      throw unfit(`disclosures.jsonl lacks ${label} of entry ${event.index}`);
    }
  }
}

/** Ascending by index, as an export writes them. Empty lines fill up what was erased meanwhile. */
async function* readDisclosures(dir: string): AsyncGenerator<Disclosures & { index: number }> {
  const input = createReadStream(join(dir, 'disclosures.jsonl'));
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = text === '' ? undefined : parsed('disclosures.jsonl', parseJson, text);
      if (typeof line === 'object' && line !== null && 'index' in line) {
        yield { ...line, index: Number(line.index) };
      }
    }
  } catch (error) {
    throw fileProblem('Cannot read disclosures.jsonl of the archive', error);
  } finally {
    input.destroy();
  }
}

const parseJson = (text: string): unknown => JSON.parse(text);

async function tileOf({ reader }: Operator, { logId }: Shard, tile: TileId): Promise<Buffer> {
  const hashes = await reader.tile(logId, tile);
  if (hashes === undefined) {
    throw new VaultError('internal', { detail: 'The log has lost a tile: run audit fsck.' });
  }
  return hashes;
}

async function digestFolder(dir: string): Promise<string> {
  const files = (await filesBelow(dir, '')).sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const lines: string[] = [];
  for (const path of files) {
    lines.push(`${await sha256HexOf(createReadStream(join(dir, path)))}  ${path}\n`);
  }
  return sha256Hex(lines.join(''));
}

async function filesBelow(dir: string, under: string): Promise<string[]> {
  const entries = await readdir(join(dir, under), { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const path = under === '' ? entry.name : `${under}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(dir, path);
      // A link leads out of the archive: what it leads to may change.
      if (!entry.isFile()) throw unfit('it has something that is neither file nor folder');
      return [path];
    }),
  );
  return found.flat();
}

async function read(dir: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(dir, path));
  } catch (error) {
    throw fileProblem(`Cannot read ${path} of the archive`, error);
  }
}

function parsed<In, Out>(path: string, parse: (input: In) => Out, input: In): Out {
  try {
    return parse(input);
  } catch (cause) {
    throw new VaultError('internal', {
      detail: `The archive cannot be used: ${path} is malformed.`,
      cause,
    });
  }
}

function unfit(why: string): VaultError {
  return new VaultError('internal', { detail: `The archive cannot be used: ${why}.` });
}
