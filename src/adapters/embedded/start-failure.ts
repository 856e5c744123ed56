import { VaultError } from '../../domain/errors.ts';

/** A failure to start that the operator can mend: one line that says what is wrong, and where. */
export function startFailure(line: string, cause?: unknown): VaultError {
  return new VaultError('store_unavailable', { detail: line, cause });
}

/** The reason of a failed file operation, in words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return (code === undefined ? undefined : REASONS[code]) ?? code ?? 'unknown error';
}

/** The system's code of a failed call (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOTDIR: 'a part of the path is not a folder',
  ENOENT: 'there is no such file or folder',
};
