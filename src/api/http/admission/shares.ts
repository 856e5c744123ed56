/** What requests take up: work, and memory for large bodies. */
export type Usage = { units: number; bodyBytes: number };

/** What one caller takes up, with all its requests. */
export type Holder = Usage & { idleTurns: number };

/** Who shares a server, now. */
export type Shares = {
  holderOf(caller: string): Holder;
  /**
   * True for who holds more than a fair part of something that is nearly all taken, while others ask, too. Who is
   * alone may have it all, and `asked`, the request in question, may be larger than a part when it is the only one.
   */
  isGreedy(part: keyof Usage, of: { asked: Usage; own: Usage; held: Usage; most: Usage }): boolean;
  /** Forgets who has not asked for some turns. */
  turn(): void;
};

/** From this part on the rest is for those who hold less than their share. */
const CONTENDED = 0.75;
/** For so many turns after its last request a caller still counts as one of those who share. */
const REMEMBERED_TURNS = 10;

export function makeShares(): Shares {
  const holders = new Map<string, Holder>();
  return {
    holderOf(caller) {
      let holder = holders.get(caller);
      if (holder === undefined) {
        holder = { units: 0, bodyBytes: 0, idleTurns: 0 };
        holders.set(caller, holder);
      }
      return holder;
    },
    isGreedy: (part, { asked, own, held, most }) =>
      holders.size > 1 &&
      own[part] > asked[part] &&
      held[part] > most[part] * CONTENDED &&
      own[part] > most[part] / holders.size,
    turn() {
      for (const [caller, holder] of holders) {
        holder.idleTurns = holder.units > 0 ? 0 : holder.idleTurns + 1;
        if (holder.idleTurns > REMEMBERED_TURNS) holders.delete(caller);
      }
    },
  };
}

/** Adds to what somebody takes up, or takes from it. */
export function addTo(usage: Usage, { units, bodyBytes }: Usage): void {
  usage.units += units;
  usage.bodyBytes += bodyBytes;
}
