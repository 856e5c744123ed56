import { ROUTES } from '../routes/table.ts';
import { documentedSchema } from './json-schema.ts';

/**
 * Names of all members, of any request or answer, that are marked sensitive, or hold marked items. The
 * logger redacts them. Sorted.
 */
export function sensitiveNames(): readonly string[] {
  const names = new Set<string>();
  for (const { body, answer } of ROUTES) {
    if (body !== undefined) collect(documentedSchema(body.schema, 'input'), undefined, names);
    if ('schema' in answer) collect(documentedSchema(answer.schema, 'output'), undefined, names);
  }
  return [...names].sort();
}

/** Walks a schema; `name` is the property that it belongs to, kept through items and alternatives. */
function collect(schema: unknown, name: string | undefined, names: Set<string>): void {
  if (typeof schema !== 'object' || schema === null) {
    return;
  }
  for (const [keyword, part] of Object.entries(schema)) {
    if (keyword === 'x-sensitive' && name !== undefined) {
      names.add(name);
    } else if (keyword === 'properties') {
      for (const [property, inner] of Object.entries(part)) {
        collect(inner, property, names);
      }
    } else {
      collect(part, name, names);
    }
  }
}
