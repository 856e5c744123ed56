/**
 * The bucket of `width` that a canonical integer lies in (`30..39`: multiples of the width, both ends
 * included), or for an ISO date the bucket of its year (`1810..1819`). `undefined` for any other text.
 */
export function rangeOf(value: string, width: number): string | undefined {
  const year = /^(\d{4})-\d{2}-\d{2}$/.exec(value)?.[1];
  if (year !== undefined) {
    const { from, to } = bucketOf(BigInt(year), BigInt(width));
    return `${String(from).padStart(4, '0')}..${String(to).padStart(4, '0')}`;
  }
  if (!/^-?\d+$/.test(value)) {
    return undefined;
  }
  const { from, to } = bucketOf(BigInt(value), BigInt(width));
  return `${from}..${to}`;
}

/** BigInt division truncates towards zero: below zero, what is no multiple belongs one bucket lower. */
function bucketOf(number: bigint, width: bigint): { from: bigint; to: bigint } {
  const rest = number % width;
  const from = number - (rest < 0n ? rest + width : rest);
  return { from, to: from + width - 1n };
}
