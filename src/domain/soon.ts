/**
 * A result that is there at once, or a promise of one. Where a batch finds a thousand results in memory, as many
 * promises each step of the way cost more than the work itself.
 */
export type Soon<T> = T | Promise<T>;

/** How one of many ended, of which none fails by another. */
export type Settled<T> = { done: T } | { error: unknown };

/** Goes on with a result as soon as it is there: now, when it is there now. */
export function whenThere<From, To>(
  result: Soon<From>,
  goOn: (result: From) => Soon<To>,
): Soon<To> {
  return result instanceof Promise ? result.then(goOn) : goOn(result);
}

/** What became of a result, as soon as that is known; its promise never rejects. */
export function settle<T>(result: Soon<T>): Soon<Settled<T>> {
  if (!(result instanceof Promise)) return { done: result };
  return result.then(
    (done) => ({ done }),
    (error: unknown) => ({ error }),
  );
}
