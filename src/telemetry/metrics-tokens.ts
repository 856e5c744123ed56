import { Gauge, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_token_space_';
const labelNames = ['vault', 'field'] as const;

/** How much of a field's tokens is used. */
export type TokenSpaceReading = {
  vault: string;
  field: string;
  used: number;
  /** Of the fullest kept part, 0 to 1. Absent where the format cannot fill up. */
  ratio?: number;
};

/** How full the formats of the fields are. */
export type TokenMetrics = {
  /** All that is known now: what is not among the readings any more is not shown any more. */
  spaces: (readings: readonly TokenSpaceReading[]) => void;
};

/** Makes the metrics of token formats. Labels are names of the policy. */
export function makeTokenMetrics(registers: Registry[]): TokenMetrics {
  const used = new Gauge({
    name: `${PREFIX}used`,
    help: 'Tokens of a field that are live or can never be issued again.',
    labelNames,
    registers,
  });
  const ratio = new Gauge({
    name: `${PREFIX}used_ratio`,
    help: 'Used tokens of the fullest space of a field, by the capacity of its smallest one: an upper bound where values differ in length.',
    labelNames,
    registers,
  });
  return {
    spaces: (readings) => {
      used.reset();
      ratio.reset();
      for (const { vault, field, ...reading } of readings) {
        used.set({ vault, field }, reading.used);
        if (reading.ratio !== undefined) ratio.set({ vault, field }, reading.ratio);
      }
    },
  };
}
