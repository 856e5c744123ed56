import type { Readable } from 'node:stream';

/** One record of a file: a line of a table, or a JSON value of its own. */
export type BulkRecord = {
  /** Where the next record begins, in bytes from the beginning of the file. */
  endAt: number;
  /** Counted from 1, without a header. */
  number: number;
  /** What stands in the places that were asked for; `undefined` where there is nothing to swap. */
  values: readonly (string | undefined)[];
  /** The record as it goes out, with other text in these places and all else as it came. */
  render: (replacements: readonly (string | undefined)[]) => string;
};

/** The records of a file from one place on. */
export type RecordSource = {
  /** What stands before the first record, as it goes out. */
  head: string;
  records: AsyncIterable<BulkRecord>;
};

/** Where reading begins: at the start, or behind a record. `head` is what the start of the file gave. */
export type ReadFrom = { offset: number; number: number; head: string };

/** How one kind of file is read. `open` rejects with a line for the operator that names no content. */
export type RecordFormat = {
  open: (input: Readable, from: ReadFrom | undefined) => Promise<RecordSource>;
};
