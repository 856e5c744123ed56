import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { policyOf } from '../../test/helpers/policies.ts';
import { decryptAge, makeAgeEncryption, newAgeIdentity } from '../crypto/age.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { VaultError } from '../domain/errors.ts';
import { makeExportVault } from './export-vault.ts';
import type { VaultDump } from './ports/vault-dump.ts';
import type { Exporting } from './vault-export/content.ts';

const POLICY = policyOf(
  { name: { type: 'text', token: { mode: 'random' } } },
  { exporter: [{ allow: ['vault.export'] }] },
);
const KEY_LINES = '{"key":"00"}\n{"key":"01"}\n';
const PAGES = [
  { table: 'subject', rows: ['{"id":"1"}'] },
  { table: 'token', rows: ['{"token":"a"}', '{"token":"b"}'] },
] as const;

/** The operation over a dump in memory, and without encryption. */
function open(change: Partial<Exporting> = {}) {
  const { deps, audit } = makeTestOperations(POLICY);
  const asked: Parameters<VaultDump['read']>[0][] = [];
  const keys = Buffer.from(KEY_LINES);
  const dump: VaultDump = {
    read: async (vault, work) => {
      asked.push(vault);
      const pages = (async function* () {
        yield* PAGES;
      })();
      return work({ sealId: 1, schemaVersion: 6, document: POLICY, pages });
    },
  };
  const transfer = {
    give: async () => keys,
    take: async () => Promise.reject(new Error('not here')),
  };
  const encrypt: Exporting['encrypt'] = async function* (plain) {
    // A copy, as encryption makes one: the lines of keys are wiped.
    for await (const chunk of plain) yield Buffer.from(chunk);
  };
  const exporting = { dump, keys: transfer, encrypt, ...change };
  return { deps, audit, asked, keys, exportVault: makeExportVault({ ...deps, exporting }) };
}

async function readAll(content: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of content) text += chunk.toString('utf8');
  return text;
}

test('an export is a header, keys, rows as they are, and a last line over all of them', async () => {
  const { exportVault } = open();
  const { output } = await exportVault(callAs('exporter'), {});
  const text = await readAll(output.content);
  const [first = '', ...rest] = text.trimEnd().split('\n');
  const { format, vault, fields, policy } = JSON.parse(first);
  assert.deepEqual(
    { format, vault, fields, document: policy.document },
    {
      format: 'counterfoil/vault-export/v1',
      vault: 'demo',
      fields: [{ id: 1, name: 'name' }],
      document: POLICY,
    },
  );
  assert.deepEqual(rest.slice(0, -1), [
    '{"key":"00"}',
    '{"key":"01"}',
    '{"subject":{"id":"1"}}',
    '{"token":{"token":"a"}}',
    '{"token":{"token":"b"}}',
  ]);
  const end = JSON.parse(rest.at(-1) ?? '');
  assert.deepEqual(
    [end.end, end.counts.key, end.counts.subject, end.counts.token],
    [true, 2, 1, 2],
  );
  const body = text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1);
  assert.equal(end.sha256, sha256Hex(body));
});

test('the event is durable before anything is read, its extent before the last line; keys are wiped', async () => {
  const { exportVault, audit, asked, keys } = open();
  const { output, receipt } = await exportVault(callAs('exporter'), {});
  assert.equal(typeof receipt.eventId, 'string');
  assert.equal(audit.events.length, 1);
  assert.equal(asked.length, 0);
  let beforeLast = 0;
  for await (const chunk of output.content) {
    if (!chunk.includes('"end":true')) beforeLast = audit.events.length;
  }
  assert.equal(beforeLast, 1);
  assert.deepEqual(
    audit.events.map(({ operation, outcome, items }) => [operation, outcome, items]),
    [
      ['vault.export', 'allow', 0],
      ['vault.export', 'allow', 2],
    ],
  );
  assert.deepEqual(keys, Buffer.alloc(KEY_LINES.length));
});

test('keys arrive whole, however slowly an export is read', async () => {
  const { identity, recipient } = await newAgeIdentity();
  const { exportVault, keys } = open({ encrypt: makeAgeEncryption([recipient]) });
  const { output } = await exportVault(callAs('exporter'), {});
  const slowly = async function* () {
    for await (const chunk of output.content) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield chunk;
    }
  };
  const text = await readAll(decryptAge(slowly(), [identity]));
  assert.ok(text.includes(KEY_LINES));
  assert.deepEqual(keys, Buffer.alloc(KEY_LINES.length));
});

test('without its second event an export has no last line', async () => {
  const { exportVault, audit, keys } = open();
  const { output } = await exportVault(callAs('exporter'), {});
  audit.setAvailable(false);
  let text = '';
  const read = async () => {
    for await (const chunk of output.content) text += chunk.toString('utf8');
  };
  await assert.rejects(read(), { code: 'audit_unavailable' });
  assert.ok(!text.includes('"end"'));
  assert.deepEqual(keys, Buffer.alloc(KEY_LINES.length));
});

test('what fails on the way breaks the export off', async () => {
  const give = async () => Promise.reject(new VaultError('key_unavailable'));
  const { exportVault } = open({ keys: { give, take: give } });
  const { output } = await exportVault(callAs('exporter'), {});
  await assert.rejects(readAll(output.content), { code: 'key_unavailable' });
});

test('only who has the grant can export, and only where the operator chose recipients', async () => {
  const { exportVault, deps, audit } = open();
  assert.equal((await failureOf(exportVault(callAs('all'), {}))).code, 'forbidden');
  const without = makeExportVault({ ...deps, exporting: undefined });
  const failure = await failureOf(without(callAs('exporter'), {}));
  assert.equal(failure.code, 'invalid_request');
  assert.deepEqual(failure.problems, [{ path: '', rule: 'export_recipients_missing' }]);
  assert.deepEqual(
    audit.events.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['deny', 'forbidden'],
      ['error', 'invalid_request'],
    ],
  );
});
