/**
 * The longest stretch of work without a turn of the event loop for others, in milliseconds of a clock that only
 * work moves on.
 */
export async function longestTurnOf(
  now: () => number,
  work: () => Promise<unknown>,
): Promise<number> {
  let turnBeganAtMs = now();
  let longestMs = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise(setImmediate);
      longestMs = Math.max(longestMs, now() - turnBeganAtMs);
      turnBeganAtMs = now();
    }
  })();
  await work();
  isDone = true;
  await others;
  return longestMs;
}
