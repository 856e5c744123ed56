import { resolve } from 'node:path';
import { type PolicyDocument, readPolicyFolder } from './policy-files.ts';
import { fileProblem } from './start-error.ts';

/** Reads the folder of policies; what is wrong with the folder itself is one line. */
export async function readPolicies(folder: string): Promise<PolicyDocument[]> {
  const path = resolve(folder);
  try {
    return await readPolicyFolder(path);
  } catch (error) {
    throw fileProblem(`Cannot read the policies in ${path}`, error);
  }
}
