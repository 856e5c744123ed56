/** Those who wait until there is room. There are at most as many as there are streams. */
export type Room = {
  /** Resolves as soon as there is room. */
  wait(): Promise<void>;
  /** To be called whenever there may be some. */
  wake(): void;
};

export function makeRoom(isFree: () => boolean): Room {
  let waiting: (() => void)[] = [];
  const wake = () => {
    if (waiting.length === 0 || !isFree()) return;
    const ready = waiting;
    waiting = [];
    for (const go of ready) go();
  };
  return {
    wait: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        wake();
      }),
    wake,
  };
}
