// `node bench/ff1.ts`: FF1 over distinct 16-digit card numbers that keep their last four digits, in one
// thread and spread over all; BENCH_CARDS of them. CPU time is told too: on a busy machine it is what counts.
import { makeFf1Engine } from '../src/crypto/ff1-engine.ts';
import { SecretKey } from '../src/crypto/secret.ts';
import { makeVaultless } from '../src/crypto/vaultless.ts';

const CARDS = Number(process.env['BENCH_CARDS'] ?? 100_000);
const FREE = 12;
/** As in a batch. */
const GATHERED = 1_000;

const keyOf = (byte: number) => ({
  active: 1,
  readable: new Map([[1, SecretKey.take(Buffer.alloc(32, byte))]]),
});
const cards = Array.from({ length: CARDS }, (_, n) => {
  const digits = Array.from(String(400_000_000_000 + n * 7).slice(0, FREE), Number);
  return { radix: 10, digits, kept: String(n % 10_000).padStart(4, '0') };
});
const place = { fieldId: 1, scope: 'vault' };
const keys = { fpe: keyOf(1), siv: keyOf(2) };

async function measure(name: string, ff1: ReturnType<typeof makeFf1Engine>): Promise<void> {
  const { ff1Encrypt } = makeVaultless({ vaultId: 1, keys, ff1 });
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  for (let start = 0; start < CARDS; start += GATHERED * 8) {
    const window = cards.slice(start, start + GATHERED * 8);
    await Promise.all(window.map((numerals) => ff1Encrypt(numerals, place)));
  }
  const ms = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = (cpu.user + cpu.system) / 1_000;
  await ff1.close();
  console.log(
    `${name}: ${CARDS} cards in ${(ms / 1_000).toFixed(2)} s, ${Math.round((CARDS / ms) * 1_000)}/s, ` +
      `CPU ${(cpuMs / 1_000).toFixed(2)} s`,
  );
}

const alone = makeFf1Engine();
await alone.close();
await measure('one thread', alone);
await measure('spread', makeFf1Engine());
