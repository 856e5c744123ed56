const WIDTH = 24;
/** How often it is drawn at most, in milliseconds. */
const EVERY_MS = 200;

/** What is shown of a run. */
export type Shown = { records: number; bytes: number };

/**
 * A line that is drawn over itself: how much of the input is done, records, rate, time left. `draw` may
 * be called as often as one likes; `clear` takes the line away.
 *
 * @param options.total bytes of the input, where it has a length
 * @param options.from what an earlier run had done: it says nothing of this one's rate
 */
export function makeProgressBar(options: {
  write: (text: string) => void;
  total: number | undefined;
  from: Shown;
  nowMs: () => number;
}): { draw: (shown: Shown) => void; clear: () => void } {
  const { write, total, from, nowMs } = options;
  const startedMs = nowMs();
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    draw: (shown) => {
      const now = nowMs();
      if (now - drawnMs < EVERY_MS) return;
      drawnMs = now;
      write(`\r\x1b[2K${render({ shown, from, total, seconds: (now - startedMs) / 1000 })}`);
    },
    clear: () => {
      if (drawnMs > Number.NEGATIVE_INFINITY) write('\r\x1b[2K');
    },
  };
}

function render(input: {
  shown: Shown;
  from: Shown;
  total: number | undefined;
  seconds: number;
}): string {
  const { shown, from, total, seconds } = input;
  const rate = (shown.records - from.records) / Math.max(seconds, 0.001);
  const facts = `${count(shown.records)} records  ${count(rate)}/s`;
  if (total === undefined || total === 0) return facts;
  const part = Math.min(shown.bytes / total, 1);
  const bytesPerSecond = (shown.bytes - from.bytes) / Math.max(seconds, 0.001);
  const left = bytesPerSecond > 0 ? (total - shown.bytes) / bytesPerSecond : undefined;
  const filled = Math.round(part * WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
  const percent = `${Math.floor(part * 100)}`.padStart(3);
  return `${bar} ${percent} %  ${facts}${left === undefined ? '' : `  ${duration(left)} left`}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function duration(seconds: number): string {
  const whole = Math.ceil(Math.max(seconds, 0));
  const two = (part: number) => String(part).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours === 0 ? rest : `${hours}:${rest}`;
}
