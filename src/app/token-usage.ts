import { setTimeout as sleep } from 'node:timers/promises';
import { isStored } from '../domain/policy/field-changes.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { FieldUsage, TokenSearch } from '../operations/ports/token-search.ts';
import type { Vault, VaultRegistry } from '../operations/ports/vault-registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { TokenMetrics, TokenSpaceReading } from '../telemetry/metrics-tokens.ts';

const PERIOD_MS = 60_000;
/** Counting takes time in proportion to the table: the pause after it is this many times as long, 2 % of duty. */
const REST_PER_RUN = 50;
/** A field that passes one of these is warned of, once. */
const MARKS = [0.5, 0.8, 0.95] as const;

export type TokenUsageDeps = {
  search: Pick<TokenSearch, 'usage'>;
  vaults: Pick<VaultRegistry, 'all'>;
  metrics: TokenMetrics;
  clock: Pick<Clock, 'monotonic'>;
  logger: Pick<Logger, 'warn'>;
};

/**
 * Makes what counts used tokens. `round` counts once, publishes, and resolves to how long to rest after it, in
 * milliseconds. It never rejects: of a vault that cannot be counted the last readings stay.
 */
export function makeTokenUsage(deps: TokenUsageDeps): { round(): Promise<number> } {
  const { search, vaults, metrics, clock, logger } = deps;
  const known = new Map<number, TokenSpaceReading[]>();
  const warn = makeWarner(logger);

  const count = async (vault: Vault): Promise<void> => {
    try {
      const readings = readingsOf(vault, await search.usage(vault.id));
      known.set(vault.id, readings);
      readings.forEach(warn);
    } catch (error) {
      logger.warn('token_usage_unknown', { vault: vault.name }, error);
    }
  };
  return {
    round: async () => {
      const startedAtMs = clock.monotonic();
      const all = vaults.all();
      // One after the other: never more than one statement of this kind.
      for (const vault of all) await count(vault);
      metrics.spaces(all.flatMap(({ id }) => known.get(id) ?? []));
      return Math.max(PERIOD_MS, REST_PER_RUN * (clock.monotonic() - startedAtMs));
    },
  };
}

/** Counts at once, and then again and again until it is closed. */
export function startTokenUsage(deps: TokenUsageDeps): { close(): Promise<void> } {
  const { round } = makeTokenUsage(deps);
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const restMs = await round();
      // Rejects when it is closed; does not keep the process alive.
      await sleep(restMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  };
  const ended = loop();
  return {
    close: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** Of the fields that the policy has and the store knows; the rest stores nothing, or has nothing yet. */
function readingsOf(vault: Vault, usage: readonly FieldUsage[]): TokenSpaceReading[] {
  return usage.flatMap(({ fieldId, used, fullest }) => {
    const field = vault.policy.fields.get(vault.fieldNames.get(fieldId) ?? '');
    if (field === undefined || !isStored(field)) return [];
    const { capacity, isSmall } = field.token.format;
    const ratio = fullest / Number(capacity);
    return [{ vault: vault.name, field: field.name, used, ...(isSmall && { ratio }) }];
  });
}

/** Warns when the fullest space of a field has passed a mark that it had not passed before. */
function makeWarner(logger: TokenUsageDeps['logger']) {
  const passed = new Map<string, number>();
  return ({ vault, field, ratio = 0 }: TokenSpaceReading): void => {
    const key = `${vault}.${field}`;
    const mark = MARKS.findLast((one) => ratio >= one) ?? 0;
    if (mark > (passed.get(key) ?? 0)) {
      logger.warn('token_space_filling', { vault, field, usedPercent: Math.floor(ratio * 100) });
    }
    passed.set(key, Math.max(mark, passed.get(key) ?? 0));
  };
}
