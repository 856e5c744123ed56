import type { Logger } from '../../../../telemetry/logger.ts';

/** Runs work that is repeated every second, and logs when it begins to fail and when it works again. */
export type Troubles = {
  /** Rejects with what `work` rejects with. `event` names the failure, `of` what it happened to. */
  during<T>(trouble: { event: string; of: string }, work: () => Promise<T>): Promise<T>;
};

/** Makes the memory of what is failing now: a line each second would bury all others. */
export function makeTroubles(logger: Logger): Troubles {
  const failing = new Set<string>();
  return {
    async during({ event, of }, work) {
      const key = `${event} ${of}`;
      try {
        const result = await work();
        if (failing.delete(key)) {
          logger.info(`${event}_no_more`, { of });
        }
        return result;
      } catch (error) {
        if (!failing.has(key)) {
          failing.add(key);
          logger.error(event, { of }, error);
        }
        throw error;
      }
    },
  };
}
