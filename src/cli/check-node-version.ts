/** Older releases have security holes that were closed since. */
const FLOOR = [24, 14, 1] as const;

/** What is wrong with this version of Node, in one line, if anything. */
export function findVersionProblem(version: string): string | undefined {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const first = FLOOR.findIndex((floor, index) => parts[index] !== floor);
  const floor = FLOOR[first];
  return floor !== undefined && (parts[first] ?? 0) < floor
    ? `Counterfoil needs Node ${FLOOR.join('.')} or newer, this is ${version}.`
    : undefined;
}
