import type { readTail } from '../app/audit-tail.ts';

type Entry = Awaited<ReturnType<typeof readTail>>[number];

/** One event as one line: time, outcome, operation, who, what. Control characters are made visible. */
export function renderEntry(entry: Entry): string {
  if (!entry.intact) {
    return `ALTERED: the batch of writer ${entry.bootId} from number ${entry.firstSeq} (${entry.day}) is not as it was written`;
  }
  const { leaf, who, what } = entry;
  const facts = [
    new Date(leaf.t).toISOString(),
    text(leaf['out']),
    text(leaf['op']),
    text(leaf['rc']),
    named('reason', leaf['rsn']),
    named('vault', leaf['vlt']),
    named('by', at(who, 'actor', 'sub')),
    named('from', at(who, 'src', 'ip')),
    named('fields', at(what, 'fld')),
    named('view', at(what, 'view')),
    named('purpose', at(what, 'req', 'purpose')),
    named('items', leaf['n']),
    named('count', leaf['cnt']),
  ];
  return facts.filter((fact) => fact !== '').join(' ');
}

function named(name: string, value: unknown): string {
  return value === undefined ? '' : `${name}=${text(value)}`;
}

/** A caller chooses parts of this text: it must not be able to steer the terminal, or forge a line. */
function text(value: unknown): string {
  const plain = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return /^[\w.,:*/@+-]*$/.test(plain)
    ? plain
    : JSON.stringify(plain).replaceAll(/[^\x20-\x7e]/g, '?');
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}
