/** Every way in which this package refuses, and its text. Texts are constant: no input enters them. */
const TLOG_ERRORS = {
  number_invalid: 'a size, index or width is not a whole number in its range',
  hash_invalid: 'a hash is not 32 bytes',
  edge_invalid: 'the stored open tiles do not fit the tree size',
  tile_path_invalid: 'the path is not that of a tile',
  tile_invalid: 'a tile has fewer hashes than it was asked for',
  bundle_invalid: 'the bytes are not an entry bundle of this width',
  entry_too_large: 'an entry is longer than 65,535 bytes',
  text_invalid: 'the text is not UTF-8, or holds control characters',
  note_malformed: 'the text is not a signed note',
  note_unverified: 'no known key has signed the note',
  signature_invalid: 'a known key has a wrong signature on the note',
  key_invalid: 'the key is malformed, of another type, or does not match its id',
  checkpoint_malformed: 'the note is not a checkpoint',
  origin_unknown: 'the checkpoint is of another log',
  proof_refused: 'the proof does not lead to the root',
  receipt_malformed: 'the text is not a receipt',
  policy_invalid: 'the policy is invalid',
  request_malformed: 'the text is not an add-checkpoint request',
  quorum_not_met: 'too few witnesses have cosigned the checkpoint',
} as const satisfies Record<string, string>;

export type TlogErrorCode = keyof typeof TLOG_ERRORS;

/** The one error of this package. `code` is stable; `detail` says where, never what the input was. */
export class TlogError extends Error {
  override readonly name = 'TlogError';
  readonly code: TlogErrorCode;

  constructor(code: TlogErrorCode, options: { cause?: unknown; detail?: string } = {}) {
    const { detail } = options;
    super(
      detail === undefined ? TLOG_ERRORS[code] : `${TLOG_ERRORS[code]} (${detail})`,
      'cause' in options ? { cause: options.cause } : {},
    );
    this.code = code;
  }
}
