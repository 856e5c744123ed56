import { type ErrorCode, type Problem, VaultError } from '../../domain/errors.ts';

/** What the framework's own refusals mean in our table. Any other error is ours: `internal`. */
const FRAMEWORK_CODES: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'payload_too_large'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'unsupported_media_type'],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 'invalid_request'],
  ['FST_ERR_CTP_INVALID_JSON_BODY', 'invalid_request'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'invalid_request'],
  ['FST_ERR_VALIDATION', 'invalid_request'],
  ['FST_ERR_BAD_URL', 'not_found'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'not_found'],
  ['FST_ERR_NOT_FOUND', 'not_found'],
  ['ECONNRESET', 'invalid_request'],
]);

/** Turns whatever was thrown into the error that the client may see. */
export function toVaultError(error: unknown): VaultError {
  if (error instanceof VaultError) {
    return error;
  }
  const code = (isObject(error) && FRAMEWORK_CODES.get(error['code'])) || 'internal';
  return new VaultError(code, { cause: error, problems: problemsOf(error) });
}

/**
 * Where the schema was broken and by which rule (Ajv's JSON pointer and keyword), never by what. Names
 * of unknown properties are input, too: for them the path ends at their parent. Ajv stops at the first
 * broken rule; for alternatives the last entry is the one about all of them.
 */
function problemsOf(error: unknown): Problem[] {
  const found = isObject(error) && Array.isArray(error['validation']) ? error['validation'] : [];
  const last: unknown = found.at(-1);
  if (!isObject(last)) {
    return [];
  }
  const { instancePath, keyword, params } = last;
  const missing = isObject(params) && keyword === 'required' ? `/${params['missingProperty']}` : '';
  return [{ path: `${instancePath}${missing}`, rule: String(keyword) }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
