// The program with its audit writer replaced by one that records nothing, to see what the audit costs. The
// product has no such switch, and `serve` refuses foreign code by --import: only an entry of its own can do it.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const WRITER = '/dist/adapters/postgres/audit/writer/writer.js';
const replacement = pathToFileURL(join(import.meta.dirname, 'writer.ts')).href;

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context);
    const isOurs = resolved.url.endsWith(WRITER);
    return isOurs ? { ...resolved, url: replacement, format: 'module-typescript' } : resolved;
  },
});
await import(pathToFileURL(join(import.meta.dirname, '../../../dist/main.js')).href);
