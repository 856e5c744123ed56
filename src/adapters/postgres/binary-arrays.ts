// Array parameters in the binary form of `array_send` (PostgreSQL, src/backend/utils/adt/arrayfuncs.c): the
// driver sends a Buffer as it is. Its own text form costs both sides several times as much: bytes become
// hexadecimal digits, texts are searched for quotes, and the server takes all of it apart again. The loops count:
// iterators, of ten arrays a statement, leave more garbage than the rows themselves.

type Optional<T> = T | undefined;

/** Object ids of the element types, the same in every database (pg_type.dat). */
const OIDS = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184 };

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL = -1;
/** Milliseconds from 1970 to 2000, where the server's times begin. */
const EPOCH_MS = Date.UTC(2000, 0, 1);

/**
 * `smallint[]`. All of these write `undefined` as null. Numbers must be integers of the type: one beyond its range
 * throws here, and takes its whole batch along. Texts are the server's to refuse (NUL), for their row alone.
 */
export function smallints(values: readonly Optional<number>[]): Buffer {
  return fixed(OIDS.int2, 2, values, (array, value, at) => array.writeInt16BE(value, at));
}

/** `int[]` */
export function ints(values: readonly Optional<number>[]): Buffer {
  return fixed(OIDS.int4, 4, values, (array, value, at) => array.writeInt32BE(value, at));
}

/** `bigint[]`, of decimal texts. */
export function bigints(values: readonly Optional<string>[]): Buffer {
  return fixed(OIDS.int8, 8, values, (array, value, at) =>
    array.writeBigInt64BE(BigInt(value), at),
  );
}

/** `bool[]` */
export function bools(values: readonly Optional<boolean>[]): Buffer {
  return fixed(OIDS.bool, 1, values, (array, value, at) => array.writeInt8(value ? 1 : 0, at));
}

/** `timestamptz[]` */
export function timestamps(values: readonly Optional<Date>[]): Buffer {
  return fixed(OIDS.timestamptz, 8, values, (array, value, at) =>
    array.writeBigInt64BE(BigInt(value.getTime() - EPOCH_MS) * 1000n, at),
  );
}

/** `bytea[]` */
export function byteas(values: readonly Optional<Uint8Array>[]): Buffer {
  const array = make(OIDS.bytea, values, (value) => value.length);
  let at = HEADER_BYTES;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    at = array.writeInt32BE(value?.length ?? NULL, at);
    if (value !== undefined) {
      array.set(value, at);
      at += value.length;
    }
  }
  return array;
}

/** `text[]`, in a database of encoding UTF8. */
export function texts(values: readonly Optional<string>[]): Buffer {
  // No character has more bytes than this; the rest is cut off.
  const array = make(OIDS.text, values, (value) => value.length * 3);
  let at = HEADER_BYTES;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const from = at + LENGTH_BYTES;
    const length = value === undefined ? NULL : array.write(value, from, 'utf8');
    array.writeInt32BE(length, at);
    at = from + Math.max(length, 0);
  }
  return array.subarray(0, at);
}

function fixed<Value>(
  oid: number,
  bytes: number,
  values: readonly Optional<Value>[],
  write: (array: Buffer, value: Value, at: number) => number,
): Buffer {
  const array = make(oid, values, () => bytes);
  let at = HEADER_BYTES;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    at = array.writeInt32BE(value === undefined ? NULL : bytes, at);
    if (value !== undefined) at = write(array, value, at);
  }
  return array;
}

/** An array of one dimension from 1 on, with room for its elements. The server takes one of none for `{}`. */
function make<Value>(
  oid: number,
  values: readonly Optional<Value>[],
  sizeOf: (value: Value) => number,
): Buffer {
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    size += LENGTH_BYTES;
    if (value === undefined) hasNull = 1;
    else size += sizeOf(value);
  }
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(hasNull, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
