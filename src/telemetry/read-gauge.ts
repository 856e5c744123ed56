import { Gauge, type Registry } from 'prom-client';

/** Publishes a number that is read when it is scraped. `name` is the whole name of the metric. */
export function publishReading(
  registers: Registry[],
  { name, help, read }: { name: string; help: string; read: () => number },
): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
