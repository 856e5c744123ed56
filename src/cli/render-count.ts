/** Up to here every digit is told. */
const EXACT = 10n ** 15n;

/** A number of tokens, for people: `1,000,000`, or where that says more, `1.4e+39`. */
export function renderCount(count: bigint): string {
  return count < EXACT ? count.toLocaleString('en') : `${Number(count).toPrecision(2)}`;
}

/** Rows of text as columns: each as wide as its widest cell, the last one as it comes. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
