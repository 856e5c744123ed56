import autocannon from 'autocannon';
import type { Generator } from './generator.ts';
import { makeRequests } from './workload.ts';

/** Where `wrk` is not installed. It takes more of the machine, of the floor's share as of the product's. */
export const autocannonGenerator: Generator = {
  name: 'autocannon',
  load: async ({ url, connections, seconds, workload }) => {
    const next = makeRequests(workload, Date.now().toString(36));
    const result = await autocannon({
      url,
      connections,
      duration: Math.ceil(seconds),
      timeout: 30,
      method: 'POST',
      headers: {
        authorization: `Bearer ${workload.token}`,
        'content-type': workload.mediaType,
      },
      requests: [{ setupRequest: (request) => ({ ...request, ...next() }) }],
    });
    const { p50, p99, p99_9 } = result.latency;
    return {
      requests: result['2xx'],
      seconds: result.duration,
      latencyMs: { p50, p99, p999: p99_9 },
      failed: result.non2xx + result.errors + result.timeouts,
    };
  },
};
