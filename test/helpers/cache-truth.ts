// What callers of several instances were told, and what they must not be told any more.
import type { Door, Outcome } from './cache-doors.ts';

/** A token that somebody was told, and what it stands for. */
export type Known = {
  token: string;
  field: 'email' | 'name';
  value: string;
  masked: string;
  /** When somebody asked for its end, or it was given one: from then on it may be over. */
  mayEndFrom?: number;
  /** When its end was acknowledged: what begins later must not succeed. */
  endedAt?: number;
};

type View = 'full' | 'masked';
type Facts = Pick<Known, 'field' | 'value'>;

/** What the service may say when it cannot do better now. */
const AWAY = ['audit_unavailable', 'store_unavailable', 'key_unavailable', 'overloaded'];
/** What the policy that takes a view away says of it. */
const REFUSED = ['token_not_found', 'view_not_granted', 'forbidden'];

/**
 * The book of one run. Moments are numbers of a counter that goes up whenever something begins or is
 * acknowledged: what has the greater number happened later, without any clock.
 */
export type Truth = {
  /** Everything that breaks a promise, and how often. */
  wrong: Record<string, number>;
  counts: { good: number; gone: number; away: number };
  known: readonly Known[];
  /** A moment that is later than all before it. */
  moment(): number;
  /** A token that was issued for this very value. `mayEndFrom` for one that ends by itself. */
  learn(token: string, facts: Facts, mayEndFrom?: number): Known;
  /** Asks for it through the door, and judges what comes. */
  reveal(door: Door, known: Known, view?: View): Promise<void>;
  revealAll(door: Door, some: readonly Known[]): Promise<void>;
  lookup(door: Door, known: Known): Promise<void>;
  tokenize(door: Door, known: Known): Promise<void>;
  /** Brings something to an end: `work` resolves when that is acknowledged. */
  end(ending: readonly Known[], work: () => Promise<unknown>): Promise<void>;
  /** A new policy takes the view `masked` away; `work` resolves when it is in force. */
  narrow(work: () => Promise<unknown>): Promise<void>;
};

/** An empty book. */
export function makeTruth(): Truth {
  const book = makeBook();
  const { moment, judgeReveal, judgeToken } = book;
  const { wrong, counts, known, learn, current, policy } = book;
  return {
    wrong,
    counts,
    known,
    moment,
    learn,
    async reveal(door, asked, view = 'full') {
      const begun = moment();
      judgeReveal(asked, { begun, view }, await door.reveal(asked.token, view));
    },
    async revealAll(door, some) {
      const begun = moment();
      const outcomes = await door.revealAll(some.map(({ token }) => token));
      for (const [index, asked] of some.entries()) {
        const outcome = outcomes[index] ?? { code: 'no answer' };
        judgeReveal(asked, { begun, view: 'full' }, outcome);
      }
    },
    async lookup(door, asked) {
      const begun = moment();
      const before = current(asked);
      judgeToken(asked, { begun, what: 'lookup', before }, await door.lookup(asked));
    },
    async tokenize(door, asked) {
      const begun = moment();
      judgeToken(asked, { begun, what: 'tokenize' }, await door.tokenize(asked));
    },
    async end(ending, work) {
      const from = moment();
      for (const one of ending) one.mayEndFrom ??= from;
      await work();
      const at = moment();
      for (const one of ending) one.endedAt ??= at;
    },
    async narrow(work) {
      policy.mayNarrowFrom = moment();
      await work();
      policy.narrowedAt = moment();
    },
  };
}

/** The entries of a book, and how answers are judged by them. */
function makeBook() {
  const wrong: Record<string, number> = {};
  const counts = { good: 0, gone: 0, away: 0 };
  const policy: { mayNarrowFrom?: number; narrowedAt?: number } = {};
  const entries = makeEntries();
  const { byToken, byValue, learn } = entries;

  const blameIf = (isWrong: boolean, what: string) => {
    if (isWrong) wrong[what] = (wrong[what] ?? 0) + 1;
  };
  const isOver = (at: number | undefined, begun: number) => at !== undefined && at < begun;

  const failed = (what: string, code: string, isExpected: boolean) => {
    if (isExpected) counts.gone += 1;
    else if (AWAY.includes(code)) counts.away += 1;
    else blameIf(true, `${what}: ${code}`);
  };

  const judgeReveal = (
    asked: Known,
    { begun, view }: { begun: number; view: View },
    outcome: Outcome<{ value: string }>,
  ) => {
    if ('code' in outcome) {
      const isGone = asked.mayEndFrom !== undefined && outcome.code === 'token_not_found';
      const mayRefuse = view === 'masked' && policy.mayNarrowFrom !== undefined;
      failed('reveal', outcome.code, isGone || (mayRefuse && REFUSED.includes(outcome.code)));
      return;
    }
    counts.good += 1;
    const expected = view === 'full' ? asked.value : asked.masked;
    blameIf(outcome.output.value !== expected, 'reveal: another value came back');
    blameIf(isOver(asked.endedAt, begun), 'reveal: a token that had ended');
    const isNarrow = view === 'masked' && isOver(policy.narrowedAt, begun);
    blameIf(isNarrow, 'reveal: a view that was no longer granted');
  };

  const judgeToken = (
    asked: Known,
    {
      begun,
      what,
      before,
    }: { begun: number; what: 'lookup' | 'tokenize'; before?: Known | undefined },
    outcome: Outcome<{ token: string }>,
  ) => {
    if ('code' in outcome) {
      // One that was issued meanwhile was not there to be found.
      const mayBeGone = before?.mayEndFrom !== undefined;
      failed(what, outcome.code, mayBeGone && outcome.code === 'token_not_found');
      return;
    }
    counts.good += 1;
    const { token } = outcome.output;
    const known = byToken.get(token);
    const isSecond = known === undefined && byValue.get(asked.value)?.mayEndFrom === undefined;
    blameIf(isSecond, `${what}: a value has two live tokens`);
    const { value, endedAt } = known ?? learn(token, asked);
    blameIf(value !== asked.value, `${what}: the token of another value`);
    blameIf(isOver(endedAt, begun), `${what}: a token that had ended`);
  };

  return { ...entries, wrong, counts, policy, judgeReveal, judgeToken };
}

function makeEntries() {
  const known: Known[] = [];
  const byToken = new Map<string, Known>();
  const byValue = new Map<string, Known>();
  let now = 0;
  return {
    known,
    byToken,
    byValue,
    /** The newest token of a value. */
    current: ({ value }: Facts) => byValue.get(value),
    moment: () => {
      now += 1;
      return now;
    },
    learn: (token: string, { field, value }: Facts, mayEndFrom?: number) => {
      const masked = maskOf(field, value);
      const ends = mayEndFrom === undefined ? {} : { mayEndFrom };
      const entry: Known = { token, field, value, masked, ...ends };
      known.push(entry);
      byToken.set(token, entry);
      byValue.set(value, entry);
      return entry;
    },
  };
}

/** As the masks of `CACHED_POLICY` show it. Values are made so that this is all that there is to it. */
function maskOf(field: Known['field'], value: string): string {
  return field === 'email' ? `${value.slice(0, 1)}•••${value.slice(value.indexOf('@'))}` : '•••';
}
