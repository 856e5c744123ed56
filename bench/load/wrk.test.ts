import assert from 'node:assert/strict';
import { test } from 'node:test';
import { single, type Workload } from './workload.ts';
import { parseWrk } from './wrk.ts';
import { wrkScript } from './wrk-script.ts';

const OUTPUT = `Running 8s test @ http://127.0.0.1:1
  1 threads and 64 connections
RESULT {"requests":1000,"micros":2000000,"refused":10,"broken":5,"p50":1500,"p99":9000,"p999":20500}
Requests/sec:    500.00
`;

test('only successes count as requests; whatever else happened is a failure', () => {
  assert.deepEqual(parseWrk(OUTPUT), {
    requests: 990,
    seconds: 2,
    latencyMs: { p50: 1.5, p99: 9, p999: 20.5 },
    failed: 15,
  });
});

test('output without a result is an error that shows it', () => {
  assert.throws(() => parseWrk('unable to connect'), /unable to connect/);
  assert.throws(() => parseWrk('RESULT {"requests":1}'));
});

test('a script has the credential, the paths and the texts of its workload, quoted', () => {
  const workload: Workload = {
    token: 'abc',
    mediaType: 'application/json',
    requests: [
      { path: '/v1/a', body: single({ kind: 'fresh', before: '{"v":"', after: '"}' }) },
      { path: '/v1/b', body: single({ kind: 'list', texts: ['x'] }) },
    ],
  };
  const script = wrkScript(workload, { run: 'r1', listFiles: ['/lists/0', '/lists/1'] });
  assert.match(script, /"Bearer abc"/);
  assert.match(script, /before = "\{\\"v\\":\\"r1-", after = "\\"\}"/);
  assert.match(script, /path = "\/v1\/b".*items = read\("\/lists\/1"\)/);
});
