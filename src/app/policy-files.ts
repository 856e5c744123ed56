import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Problem, VaultError } from '../domain/errors.ts';
import {
  type Checked,
  checkPolicy,
  compileFields,
  compilePolicy,
} from '../domain/policy/compile.ts';
import type { Field, Policy } from '../domain/policy/policy.ts';
import { fileProblem } from './start-error.ts';

/** Cap on a policy document, in bytes. The reference policy has 4 KiB. */
const MAX_BYTES = 1 << 20;

/** A policy document with its compiled form. `text` is what is hashed, stored and cited. */
export type PolicyDocument = { text: string; policy: Policy; warnings: readonly Problem[] };

/**
 * Parses and compiles one document. YAML aliases are capped and duplicate keys refused, so that what
 * a reviewer reads is what is applied.
 * @throws VaultError `policy_invalid` with every problem
 */
export function readPolicy(text: string): PolicyDocument {
  const { policy, warnings } = compilePolicy(parseYaml(text));
  return { text, policy, warnings };
}

/**
 * The fields of a document that was applied once, even if it could not be applied today: `undefined` stands
 * for one that this version cannot understand. To compare with, not to work by.
 */
export function readPolicyFields(text: string): Map<string, Field | undefined> {
  return compileFields(parseYaml(text));
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 20, uniqueKeys: true, version: '1.2', schema: 'core' });
  } catch (error) {
    const line = (error as { linePos?: [{ line: number }] }).linePos?.[0].line;
    const path = line === undefined ? '' : `line ${line}`;
    throw new VaultError('policy_invalid', {
      cause: error,
      problems: [{ path, rule: 'yaml_syntax' }],
    });
  }
}

/**
 * Reads every `*.yaml` and `*.yml` of a folder, in the order of their names. Problems of all files
 * are gathered, each path led by its file, before anything is refused.
 */
export async function readPolicyFolder(folder: string): Promise<PolicyDocument[]> {
  const path = resolve(folder);
  try {
    return await readFiles(path);
  } catch (error) {
    throw fileProblem(`Cannot read the policies in ${path}`, error);
  }
}

async function readFiles(folder: string): Promise<PolicyDocument[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const documents: PolicyDocument[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, string>();
  for (const name of names) {
    try {
      const document = readPolicy(await readTextCapped(join(folder, name)));
      const { vault } = document.policy;
      const other = seen.get(vault);
      if (other !== undefined) {
        problems.push({
          path: `${name}: vault`,
          rule: 'duplicate_vault',
          hint: `also in ${other}`,
        });
      }
      seen.set(vault, name);
      documents.push(document);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      problems.push(
        ...error.problems.map((problem) => ({ ...problem, path: `${name}: ${problem.path}` })),
      );
    }
  }
  if (problems.length > 0) throw new VaultError('policy_invalid', { problems });
  return documents;
}

/**
 * Checks one file and tells everything that is to be said of it, as the start would see it.
 * Rejects with one line when it cannot be read.
 */
export async function lintPolicyFile(file: string): Promise<Checked> {
  const path = resolve(file);
  try {
    return checkPolicy(parseYaml(await readTextCapped(path)));
  } catch (error) {
    if (error instanceof VaultError) return { problems: [...error.problems], warnings: [] };
    throw fileProblem(`Cannot read ${path}`, error);
  }
}

/** Bytes that are no UTF-8 would be replaced in silence: what is hashed must be what was reviewed. */
function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const problems = [{ path: '', rule: 'not_utf8' }];
    throw new VaultError('policy_invalid', { cause: error, problems });
  }
}

async function readTextCapped(path: string): Promise<string> {
  if ((await stat(path)).size > MAX_BYTES) {
    throw new VaultError('policy_invalid', {
      problems: [{ path: '', rule: 'document_too_large' }],
    });
  }
  return decodeUtf8(await readFile(path));
}
