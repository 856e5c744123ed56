import type { readTail } from '../app/audit/tail.ts';
import { viewEvent } from '../domain/audit/event-view.ts';
import { printable } from './printable.ts';

type Entry = Awaited<ReturnType<typeof readTail>>[number];
/** What is said of an event: under which name, if any, and where it stands in its view. */
type Fact = readonly [name: string, ...path: string[]];

const FACTS: readonly Fact[] = [
  ['', 'time'],
  ['', 'outcome'],
  ['', 'action'],
  ['', 'status'],
  ['reason', 'reason'],
  ['vault', 'vault'],
  ['by', 'actor', 'subject'],
  ['from', 'source', 'ip'],
  ['fields', 'fields'],
  ['view', 'view'],
  ['purpose', 'purpose'],
  ['items', 'items'],
  ['count', 'count'],
];

/** What a durable event that is not in the log yet does not have, or what nobody asks for at its end. */
const FACTS_OF_INTEGRATED: readonly Fact[] = [
  ...FACTS,
  ['tokens', 'tokens'],
  ['reference', 'reference'],
  ['erased', 'erased'],
  ['shard', 'shard'],
  ['index', 'index'],
  ['id', 'id'],
];

/** One event as one line: time, outcome, operation, who, what. Control characters are made visible. */
export function renderEntry(entry: Entry): string {
  if (!entry.intact) {
    return `ALTERED: the batch of writer ${entry.bootId} from number ${entry.firstSeq} (${entry.day}) is not as it was written`;
  }
  const { leaf, who, what } = entry;
  return render(
    viewEvent({ leaf, index: 0, shard: '', who: { value: who }, what: { value: what } }),
    FACTS,
  );
}

/** One event of the service's answer as one line, with what it takes to ask for more of it. */
export function renderEvent(event: unknown): string {
  return render(event, FACTS_OF_INTEGRATED);
}

function render(event: unknown, facts: readonly Fact[]): string {
  return facts
    .map(([name, ...path]) => named(name, at(event, path)))
    .filter((fact) => fact !== '')
    .join(' ');
}

function named(name: string, value: unknown): string {
  if (value === undefined) {
    return '';
  }
  return name === '' ? text(value) : `${name}=${text(value)}`;
}

/** A caller chooses parts of this text: it must not be able to steer the terminal, or forge a line. */
function text(value: unknown): string {
  const plain = plainOf(value);
  return /^[\w.,:*/@+-]*$/.test(plain) ? plain : printable(JSON.stringify(plain));
}

/** Never by a method of the value's own: what a service answers may call a member `toString`. */
function plainOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(plainOf).join(',');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}
