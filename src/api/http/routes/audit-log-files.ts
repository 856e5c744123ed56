import type { FastifyRequest } from 'fastify';
import { callerOf, parameterOf } from '../context.ts';
import { encodeFor } from '../gzip.ts';
import { defineRoute } from '../route.ts';

// The log as C2SP tlog-tiles has it. Hashes, checkpoints and keys are public; entries are not.

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const SHARD = {
  description: 'A shard of the log by its name, or `active` for the one that takes events now.',
  example: 'active',
};
const TILE = {
  description:
    'Index of the tile in groups of three digits, all but the last behind an `x` (`x001/x234/067`), then `.p/` ' +
    'and the width for a partial one.',
  example: '000.p/1',
};

/** A tile never changes. But `active` is another shard some day, with other tiles under the same paths. */
function tileCaching(shard: string): string {
  return shard === 'active' ? 'no-cache' : 'max-age=604800, immutable';
}

function tileOf(request: FastifyRequest, level: string) {
  const shard = parameterOf(request, 'shard');
  return { shard, path: `${level}/${parameterOf(request, '*')}` };
}

export const auditCheckpointRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/log/:shard/checkpoint',
  auth: 'public',
  parameters: { shard: SHARD },
  operationId: 'getCheckpoint',
  summary: 'Get the newest checkpoint of the log',
  description: 'A signed note (C2SP tlog-checkpoint), with the cosignatures of witnesses.',
  answer: { mediaTypes: ['text/plain'], description: 'The checkpoint.' },
  errors: ['not_found'],
  handle: async (operations, request) => ({
    output: await operations.auditCheckpoint({ shard: parameterOf(request, 'shard') }),
    headers: { 'content-type': TEXT, 'cache-control': 'no-cache' },
  }),
});

export const auditTileRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/log/:shard/tile/:level/*',
  auth: 'public',
  parameters: {
    shard: SHARD,
    level: { description: 'Level of the tile, 0 to 63.', example: '0' },
    '*': TILE,
  },
  operationId: 'getTile',
  summary: 'Get a tile of hashes',
  description: 'Up to 256 hashes of 32 bytes (C2SP tlog-tiles).',
  answer: { mediaTypes: [BYTES], description: 'The hashes.' },
  errors: ['not_found'],
  handle: async (operations, request) => {
    const tile = tileOf(request, parameterOf(request, 'level'));
    return {
      output: await operations.auditTile(tile),
      headers: { 'content-type': BYTES, 'cache-control': tileCaching(tile.shard) },
    };
  },
});

export const auditEntriesRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/log/:shard/tile/entries/*',
  auth: 'bearer',
  parameters: { shard: SHARD, '*': TILE },
  operationId: 'getEntries',
  summary: 'Get a bundle of entries',
  description:
    'Up to 256 leaves, each behind its length as two bytes (C2SP tlog-tiles). For callers with `audit.read` in ' +
    'every vault. One event tells of all that a caller reads so within a minute, a second one how much it was.',
  answer: { mediaTypes: [BYTES], description: 'The entries.' },
  errors: ['not_found'],
  handle: async (operations, request) => {
    const tile = tileOf(request, 'entries');
    const { output, receipt } = await operations.auditEntries(callerOf(request), tile);
    const encoded = await encodeFor(request.headers['accept-encoding'], output);
    const caching = `private, ${tileCaching(tile.shard)}`;
    const headers = { ...encoded.headers, 'content-type': BYTES, 'cache-control': caching };
    return { output: encoded.output, receipt, headers };
  },
});

export const auditVerifierKeysRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/log/:shard/vkey',
  auth: 'public',
  parameters: { shard: SHARD },
  operationId: 'getVerifierKeys',
  summary: 'Get the keys that verify checkpoints',
  description:
    'One verifier key (C2SP signed-note) a line. A key that comes from here proves nothing to those who doubt ' +
    'the service: compare it with one from elsewhere.',
  answer: { mediaTypes: ['text/plain'], description: 'The keys.' },
  errors: ['not_found'],
  handle: async (operations, request) => ({
    output: await operations.auditVerifierKeys({ shard: parameterOf(request, 'shard') }),
    headers: { 'content-type': TEXT, 'cache-control': 'no-cache' },
  }),
});

export const erasureVerifierKeysRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/erasures/vkey',
  auth: 'public',
  parameters: {},
  operationId: 'getErasureVerifierKeys',
  summary: 'Get the key that verifies receipts about erasures',
  description:
    'A verifier key (C2SP signed-note) for the receipts of `subjects/erase`. As with the keys of the log: compare ' +
    'it with one from elsewhere.',
  answer: { mediaTypes: ['text/plain'], description: 'The keys, one a line.' },
  errors: [],
  handle: async (operations) => ({
    output: await operations.erasureVerifierKeys({}),
    headers: { 'content-type': TEXT, 'cache-control': 'no-cache' },
  }),
});
