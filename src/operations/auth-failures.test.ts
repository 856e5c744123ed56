import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMemoryAuditLog } from '../adapters/memory/audit-log.ts';
import { makeAuthFailures } from './auth-failures.ts';

test('failures become one event per source, with their number', async () => {
  const audit = makeMemoryAuditLog();
  const failures = makeAuthFailures({ audit });
  for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) failures.record({ ip });
  await failures.close();
  assert.deepEqual(
    audit.events.map(({ operation, count, who }) => [operation, count, who.source?.ip]),
    [
      ['auth.fail', 2, '192.0.2.1'],
      ['auth.fail', 1, '192.0.2.2'],
    ],
  );
});

test('a flood from ever new sources is counted in full, in a bounded number of events', async () => {
  const audit = makeMemoryAuditLog();
  const failures = makeAuthFailures({ audit });
  for (let host = 0; host < 12_000; host += 1) failures.record({ ip: `2001:db8::${host}` });
  await failures.close();
  assert.equal(audit.events.length, 10_001);
  assert.equal(
    audit.events.reduce((sum, { count = 0 }) => sum + count, 0),
    12_000,
  );
});

test('such a flood never fills the queue that others wait in', async () => {
  const audit = makeMemoryAuditLog();
  let waiting = 0;
  let most = 0;
  const failures = makeAuthFailures({
    audit: {
      append: async (event) => {
        waiting += 1;
        most = Math.max(most, waiting);
        await Promise.resolve();
        waiting -= 1;
        return audit.append(event);
      },
    },
  });
  for (let host = 0; host < 5000; host += 1) failures.record({ ip: `2001:db8::${host}` });
  await failures.close();
  assert.equal(audit.events.length, 5000);
  assert.ok(most <= 32);
});

test('while the log cannot be written nothing is lost, and few writes are tried', async () => {
  const audit = makeMemoryAuditLog();
  let tries = 0;
  const failures = makeAuthFailures({
    audit: {
      append: (event) => {
        tries += 1;
        return audit.append(event);
      },
    },
  });
  for (let host = 0; host < 5000; host += 1) failures.record({ ip: `2001:db8::${host}` });
  audit.setAvailable(false);
  await failures.close();
  assert.ok(tries <= 32);
  audit.setAvailable(true);
  await failures.close();
  assert.equal(audit.events.length, 5000);
});
