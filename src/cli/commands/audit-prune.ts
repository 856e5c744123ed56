import { resolve } from 'node:path';
import { asOperator } from '../../app/audit/as-operator.ts';
import { type Before, type Pruned, pruneShard } from '../../app/audit/prune.ts';
import { loadConfig } from '../../config/load-config.ts';
import { type Command, textOf, UsageError } from '../command.ts';
import { parseTime } from '../parse-time.ts';

export const auditPrune: Command = {
  usage: '',
  summary: 'Remove old entries of the audit log that an archive has; every proof stays possible.',
  options: {
    before: { type: 'string' },
    archive: { type: 'string' },
    'policy-id': { type: 'string' },
    shard: { type: 'string' },
    yes: { type: 'boolean' },
  },
  help: [
    '--before B      the index or date (UTC) to keep from; rounded down to whole bundles of 256',
    '--archive DIR   an unpacked static export of the shard, compared with the log before anything goes',
    '--policy-id P   the retention policy by which it is done: letters, digits, . _ -',
    '--shard S       which shard, when there are several',
    '--yes           do it; without it, only the archive is checked',
    'Works on the database itself, with the root key, as audit tail does. One service must run.',
    'Keep the archive: the log keeps the hashes only. Pending partitions, exports and backups keep their',
    'copies until they expire.',
  ],
  run: async (context, args) => {
    const archive = textOf(args, 'archive');
    const policyId = textOf(args, 'policy-id') ?? '';
    if (archive === undefined || archive === '') throw new UsageError('--archive is required');
    if (!/^[\w.-]{1,64}$/.test(policyId)) {
      throw new UsageError('--policy-id must have 1 to 64 letters, digits, . _ or -');
    }
    const confirmed = args.values['yes'] === true;
    const asked = {
      before: parseBefore(textOf(args, 'before') ?? ''),
      archive: resolve(archive),
      policyId,
      shard: textOf(args, 'shard'),
      confirmed,
    };
    const pruned = await asOperator(loadConfig(context.env, 'client'), (operator) =>
      pruneShard(operator, asked),
    );
    const isJson = args.values['json'] === true;
    context.out(
      isJson ? `${JSON.stringify({ confirmed, ...pruned })}\n` : render(pruned, confirmed),
    );
    return true;
  },
};

function parseBefore(text: string): Before {
  return /^\d{1,15}$/.test(text) ? { index: Number(text) } : { atMs: parseTime('--before', text) };
}

function render({ shard, minIndex, archive, event, segments }: Pruned, confirmed: boolean): string {
  const done = event === undefined ? 'was pruned to it already' : `pruned, told by ${event}`;
  return [
    `shard ${shard}: least index ${minIndex}`,
    `archive ${archive}`,
    confirmed
      ? `${done}; ${segments} segments deleted`
      : 'The archive is complete. Nothing was changed: add --yes to prune.',
    '',
  ].join('\n');
}
