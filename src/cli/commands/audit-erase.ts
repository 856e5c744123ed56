import { asOperator } from '../../app/audit/as-operator.ts';
import { type Destroyed, destroyMonth } from '../../app/audit/destroy-key.ts';
import {
  BASES,
  type Basis,
  type Erased,
  type ErasureRequest,
  eraseActor,
  eraseReference,
} from '../../app/audit/erase.ts';
import type { Operator } from '../../app/audit/operator.ts';
import { loadConfig } from '../../config/load-config.ts';
import { type Arguments, type Command, type Context, textOf, UsageError } from '../command.ts';
import { parseTime } from '../parse-time.ts';

const MAX_CHARS = 1_024;
/** What the operator has to know, and to tell whoever asked for the erasure. */
const REMAINS = [
  'What remains: archives, exports, receipts and backups (and the write-ahead log in them) keep what they',
  'have until they expire; pending partitions keep sealed copies for up to two days; the table file keeps',
  'dead rows until it is vacuumed (vacuum audit_segment).',
];

const TARGETS = ['actor', 'reference', 'month'] as const;

export const auditErase: Command = {
  usage: '',
  summary: 'Erase personal data from the audit log; every proof stays valid.',
  options: {
    actor: { type: 'string' },
    issuer: { type: 'string' },
    reference: { type: 'string' },
    month: { type: 'string' },
    vault: { type: 'string' },
    basis: { type: 'string' },
    ticket: { type: 'string' },
    before: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  help: [
    '--actor S       who did it, of every event of this subject (--issuer I: of this issuer only)',
    '--reference R   what was touched, of every event under this reference',
    '--month M       all of one month (2026-01) of one vault (--vault V), by destroying its key: for good',
    `--basis B       why, of an actor or reference (required): ${BASES.join(', ')}`,
    '--before T      only events before this date or time (UTC), of an actor or reference',
    '--ticket T      a reference for the event that tells of it; sealed, not in the leaf',
    '--dry-run       only say what would be erased',
    'Works on the database itself, with the root key, as audit tail does. Running services put its events',
    'into the tree: one must run. Running it again completes what was interrupted.',
    ...REMAINS,
  ],
  run: async (context, args) => {
    const target = onlyTarget(args);
    const work = target === 'month' ? planMonth(args) : planErasure(args, target);
    const report = await asOperator(loadConfig(context.env, 'client'), work);
    print(context, args, report);
    return true;
  },
};

type Report = { erased: Erased[] } | { destroyed: Destroyed };

function onlyTarget(args: Arguments): (typeof TARGETS)[number] {
  const [target, ...others] = TARGETS.filter((name) => textOf(args, name) !== undefined);
  if (target === undefined || others.length > 0) {
    throw new UsageError('exactly one of --actor, --reference and --month is required');
  }
  return target;
}

function planErasure(args: Arguments, target: 'actor' | 'reference') {
  refuse(args, target === 'actor' ? ['vault'] : ['vault', 'issuer']);
  const text = shortText(args, target) ?? '';
  const issuer = shortText(args, 'issuer');
  const before = textOf(args, 'before');
  const request: ErasureRequest = {
    basis: basisOf(args),
    ticket: shortText(args, 'ticket'),
    beforeMs: before === undefined ? undefined : parseTime('--before', before),
    dryRun: args.values['dry-run'] === true,
  };
  return async (operator: Operator): Promise<Report> => ({
    erased:
      target === 'actor'
        ? await eraseActor(operator, { subject: text, issuer }, request)
        : await eraseReference(operator, text, request),
  });
}

function planMonth(args: Arguments) {
  refuse(args, ['issuer', 'before', 'basis']);
  const vault = textOf(args, 'vault');
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(textOf(args, 'month') ?? '');
  if (match === null) throw new UsageError('--month must be a month such as 2026-01');
  if (vault === undefined) throw new UsageError('--month needs --vault');
  const asked = {
    vault,
    month: Number(match[1]) * 100 + Number(match[2]),
    ticket: shortText(args, 'ticket'),
    dryRun: args.values['dry-run'] === true,
  };
  return async (operator: Operator): Promise<Report> => ({
    destroyed: await destroyMonth(operator, asked),
  });
}

function refuse(args: Arguments, names: readonly string[]): void {
  const wrong = names.find((name) => textOf(args, name) !== undefined);
  if (wrong !== undefined) {
    throw new UsageError(`--${wrong} has no meaning here`);
  }
}

function basisOf(args: Arguments): Basis {
  const basis = BASES.find((known) => known === textOf(args, 'basis'));
  if (basis === undefined) {
    throw new UsageError(`--basis must be one of ${BASES.join(', ')}`);
  }
  return basis;
}

function shortText(args: Arguments, name: string): string | undefined {
  const text = textOf(args, name);
  if (text === '' || (text?.length ?? 0) > MAX_CHARS) {
    throw new UsageError(`--${name} must have 1 to ${MAX_CHARS} characters`);
  }
  return text;
}

/** Nothing of what was searched for is repeated: a subject may be hostile text, and is to be forgotten. */
function print(context: Context, args: Arguments, report: Report): void {
  const dryRun = args.values['dry-run'] === true;
  if (args.values['json'] === true) {
    context.out(`${JSON.stringify({ dryRun, ...report })}\n`);
    return;
  }
  if ('erased' in report && report.erased.length === 0) {
    context.out('Nothing to erase.\n');
    return;
  }
  const lines =
    'erased' in report ? renderErased(report.erased) : renderDestroyed(report.destroyed);
  const done = dryRun ? ['Nothing was changed: dry run.'] : REMAINS;
  context.out([...lines, ...done].map((line) => `${line}\n`).join(''));
}

function renderErased(erased: readonly Erased[]): string[] {
  return erased.map(({ shard, label, count, events }) => {
    const told = events.length === 0 ? '' : `, told by ${events.join(', ')}`;
    return `shard ${shard}: ${label} of ${count} event${count === 1 ? '' : 's'}${told}`;
  });
}

function renderDestroyed({ vault, month, event }: Destroyed): string[] {
  const key = `key of ${vault} for ${Math.floor(month / 100)}-${String(month % 100).padStart(2, '0')}`;
  return [event === undefined ? key : `${key} destroyed, told by ${event}`];
}
