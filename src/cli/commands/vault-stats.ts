import { loadConfig } from '../../config/load-config.ts';
import { VaultError } from '../../domain/errors.ts';
import type { FieldStats } from '../../operations/operation.ts';
import { openClient } from '../client.ts';
import { type Command, textOf, UsageError } from '../command.ts';
import { printable } from '../printable.ts';
import { renderCount, renderTable } from '../render-count.ts';

export const vaultStats: Command = {
  usage: '',
  summary: 'Show how many tokens a vault has, and how full its formats are.',
  options: { vault: { type: 'string' } },
  help: [
    '--vault V      the vault',
    'Asks the service at COUNTERFOIL_URL with COUNTERFOIL_TOKEN, else the one that runs with dev: there, for any',
    'vault but demo, COUNTERFOIL_TOKEN must be one of counterfoil dev-token. USED counts live tokens and those',
    'that are never issued again; CAPACITY, and FULLEST as a part of it, are of the tokens that one kept part of',
    'a value can have.',
  ],
  run: async (context, args) => {
    const vault = textOf(args, 'vault');
    if (vault === undefined) throw new UsageError('--vault is required');
    const client = await openClient(loadConfig(context.env, 'client'));
    const path = `/v1/vaults/${encodeURIComponent(vault)}/stats`;
    const response = await client.request({ method: 'GET', path });
    const fields = readFields(await response.json().catch(() => undefined));
    context.out(
      args.values['json'] === true ? `${JSON.stringify({ fields })}\n` : renderStats(fields),
    );
    return true;
  },
};

function readFields(answer: unknown): FieldStats[] {
  const { fields } = Object(answer) as Record<string, unknown>;
  if (!Array.isArray(fields) || !fields.every(isFieldStats)) {
    throw new VaultError('internal', {
      detail: 'The service answered something else than statistics.',
    });
  }
  return fields;
}

function isFieldStats(input: unknown): input is FieldStats {
  const { field, mode, format, used, capacity, fullest } = Object(input) as Record<string, unknown>;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && Number(count) >= 0;
  const isRatio = typeof (Object(fullest) as Record<string, unknown>)['ratio'] === 'number';
  return (
    [field, mode, format].every((text) => typeof text === 'string') &&
    typeof capacity === 'string' &&
    /^\d{1,400}$/.test(capacity) &&
    (used === undefined || isCount(used)) &&
    (fullest === undefined || isRatio)
  );
}

function renderStats(fields: readonly FieldStats[]): string {
  const rows = fields.map(({ field, mode, format, used, capacity, fullest }) => [
    printable(field),
    printable(mode),
    printable(format),
    used === undefined ? '-' : renderCount(BigInt(used)),
    renderCount(BigInt(capacity)),
    fullest === undefined ? '-' : renderRatio(fullest.ratio),
  ]);
  return renderTable([['FIELD', 'MODE', 'FORMAT', 'USED', 'CAPACITY', 'FULLEST'], ...rows]);
}

/** Never rounded down to nothing, nor up to all. */
function renderRatio(ratio: number): string {
  const percent = ratio * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${Math.floor(percent * 10) / 10} %`;
}
