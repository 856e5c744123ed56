/**
 * A text from elsewhere, as it may stand in a terminal: printable ASCII stays, everything else (controls,
 * escape sequences, marks that turn the direction of writing) becomes `?`.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
