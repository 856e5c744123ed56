// `npm run gen`: writes every generated file. `npm run gen -- --check` writes nothing, and fails when
// one differs from what would be written.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderPublished } from '../bench/report/published.ts';
import { startPostgres } from '../src/adapters/embedded/postgres.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { renderOpenApi } from '../src/api/http/openapi.ts';
import { renderDocs, renderEnvExample } from '../src/config/render-docs.ts';
import { renderTokenFormats } from '../src/domain/tokens/render-docs.ts';
import { dumpSchema } from '../test/helpers/schema-dump.ts';

const root = join(import.meta.dirname, '..');

type Generator = {
  /** Path below the root of the repository. */
  file: string;
  /** The whole new content; `current` is the file as it is, empty when there is none. */
  render: (current: string) => Promise<string>;
};

const GENERATORS: Generator[] = [
  { file: 'docs/configuration.md', render: async (current) => renderDocs(current) },
  { file: 'docs/token-formats.md', render: async () => renderTokenFormats() },
  { file: '.env.example', render: async () => renderEnvExample() },
  { file: 'openapi/openapi.json', render: async () => renderOpenApi() },
  { file: 'migrations/schema.sql', render: renderSchema },
  // From the last result of `npm run bench` that was kept: nothing is measured here.
  ...renderPublished().map(({ file, text }) => ({ file, render: async () => text })),
];

const check = process.argv.includes('--check');
const drifted: string[] = [];

for (const { file, render } of GENERATORS) {
  const path = join(root, file);
  const current = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const next = await render(current);
  if (next !== current) {
    drifted.push(file);
    if (!check) writeFileSync(path, next);
  }
}

process.stdout.write(
  drifted.length === 0
    ? `gen: ${GENERATORS.length} files are up to date\n`
    : `gen: ${check ? 'out of date, run `npm run gen`' : 'written'}: ${drifted.join(', ')}\n`,
);
if (check && drifted.length > 0) process.exit(1);

/** The schema that the migrations make, as a fresh embedded Postgres has it. */
async function renderSchema(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'counterfoil-gen-'));
  const postgres = await startPostgres({ dataDir, report: () => {} });
  try {
    await postgres.ensureDatabase();
    await migrate({ connectionString: postgres.urls.owner, directory: join(root, 'migrations') });
    return await dumpSchema(postgres.urls.owner);
  } finally {
    await postgres.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
