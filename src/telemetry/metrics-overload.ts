import { Counter, type Registry } from 'prom-client';
import { publishReading } from './read-gauge.ts';

const PREFIX = 'counterfoil_overload_';

/** How full a server is. */
export type OverloadReading = { limit: number; units: number; bodyBytes: number };

/** What admission refuses, and how full it is. */
export type OverloadMetrics = {
  /** A request was refused before it was worked on. `reason` is a name of our own code. */
  refused: (reason: string) => void;
  /** Publishes how full a server is, read when scraped. */
  watch: (read: () => OverloadReading) => void;
};

/** Makes the metrics of admission. */
export function makeOverloadMetrics(registers: Registry[]): OverloadMetrics {
  const refused = new Counter({
    name: `${PREFIX}refused_total`,
    help: 'Requests refused as overloaded before they were worked on.',
    labelNames: ['reason'],
    registers,
  });
  let read = (): OverloadReading => ({ limit: 0, units: 0, bodyBytes: 0 });
  const gauge = (name: string, help: string, pick: (reading: OverloadReading) => number) =>
    publishReading(registers, { name: `${PREFIX}${name}`, help, read: () => pick(read()) });
  gauge('limit_units', 'Work that may be under way at once; it follows the load.', (r) => r.limit);
  gauge(
    'units',
    'Work that is under way: small requests, and larger ones by size.',
    (r) => r.units,
  );
  gauge('body_bytes', 'Large request bodies in memory.', (r) => r.bodyBytes);
  return {
    refused: (reason) => refused.inc({ reason }),
    watch: (reader) => {
      read = reader;
    },
  };
}
