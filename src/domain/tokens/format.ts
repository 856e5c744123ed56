/** Draws as many random bytes as asked for. */
export type Random = (bytes: number) => Uint8Array;

/** How tokens can look (DESIGN §6). One row of the table in `formats.ts` each. */
export const FORMAT_KINDS = [
  'opaque',
  'card',
  'us-ssn',
  'email',
  'phone',
  'iban',
  'digits',
  'alphanumeric',
  'custom',
  'uuid',
  'date',
  'integer',
] as const;

export type FormatKind = (typeof FORMAT_KINDS)[number];

/** The tokens that can stand for one value. */
export type TokenSpace = {
  /** What each of them keeps of the value; empty when nothing is kept. Says something of the value. */
  kept: string;
  /** How many there are, in all shards together; the value itself counts where it has their form. */
  capacity: bigint;
  /**
   * Draws one of them that is not the value itself, each equally likely; with `shard` (0–255) one of that
   * shard. `undefined` when there is none, or a bounded search met none.
   */
  draw: (random: Random, shard?: number) => string | undefined;
};

/** The characters of a value that FF1 permutes. The same description fits value and token. */
export type Numerals = {
  radix: number;
  digits: readonly number[];
  /** All other characters, by their place: part of the tweak. */
  kept: string;
};

/** How FF1 (NIST SP 800-38G) reaches into a text: which characters it permutes, and how they go back. */
export type Ff1Codec = {
  /** Throws `value_invalid` for a value with too few or too many characters to permute, or unfit ones. */
  ofValue: (value: string) => Numerals;
  /** The token with these digits in the place of the value's. */
  toToken: (value: string, digits: readonly number[]) => string;
  /** `undefined` for a text that can be no token. */
  ofToken: (token: string) => Numerals | undefined;
  /** The value with these digits in the place of the token's. */
  toValue: (token: string, digits: readonly number[]) => string;
};

/** The tokens of one field: a row of the table with the options of the policy. */
export type TokenFormat = {
  kind: FormatKind;
  /** The options as one text: two formats issue the same tokens exactly when these are equal. */
  shape: string;
  /** Of `opaque`: what stands before the underscore (or, of AES-SIV, the tilde). */
  prefix?: string;
  /** True when a value has fewer than 2^64 tokens: then ended ones need tombstones, and fill is watched. */
  isSmall: boolean;
  /** Tokens of the smallest space that a value of the field's type has: what the policy linter prints. */
  capacity: bigint;
  /** True for exactly what `draw` can return, in its one spelling. */
  matches: (text: string) => boolean;
  /** The tokens of this value. Throws `value_invalid` for a value too short for the format, or unfit. */
  spaceOf: (value: string) => TokenSpace;
  /** Present in mode `fpe`. */
  ff1?: Ff1Codec;
};
