import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { loadConfig } from './load-config.ts';
import { renderDocs, renderEnvExample } from './render-docs.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('docs/configuration.md says what the schema says (else: npm run gen)', () => {
  const page = read('docs/configuration.md');
  assert.equal(renderDocs(page), page);
});

test('.env.example says what the schema says (else: npm run gen)', () => {
  assert.equal(read('.env.example'), renderEnvExample());
});

test('.env.example, with every line switched on, is a configuration that loads', () => {
  const all = parseEnv(renderEnvExample().replaceAll(/^#([A-Z_]+=)/gm, '$1'));
  assert(Object.keys(all).length > 20);
  loadConfig(all, 'serve');
});
