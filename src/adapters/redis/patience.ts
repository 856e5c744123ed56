/**
 * True when `answer` resolves within `limitMs` milliseconds; false when it rejects, or is late. What had arrived
 * by then counts, although this process was too busy to read it: its own pauses are not the other's fault.
 */
export function isAnsweredWithin(answer: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Timers run before the sockets are read: the immediate comes after both.
    const timer = setTimeout(() => setImmediate(() => resolve(false)), limitMs);
    answer.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      () => {
        clearTimeout(timer);
        resolve(false);
      },
    );
  });
}
