import { randomBytes, randomInt } from 'node:crypto';

/**
 * A value that nobody could guess and nothing else contains: wherever it is found, it leaked. `forms`
 * are the spellings to search for: as sent, and in the normal form of its type.
 */
export type Canary = { kind: CanaryKind; text: string; forms: readonly string[] };

const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const DIGITS = '0123456789';

/** `length` characters of an alphabet, each equally likely. */
function draw(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

const word = (length = 16): string => draw(LETTERS, length);

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** The digit that makes `body` pass Luhn (ISO/IEC 7812-1, annex B). */
function luhnDigit(body: string): string {
  const sum = [...body].reverse().reduce((total, character, index) => {
    const digit = Number(character) * (index % 2 === 0 ? 2 : 1);
    return total + (digit > 9 ? digit - 9 : digit);
  }, 0);
  return String((10 - (sum % 10)) % 10);
}

/** A German IBAN; check digits by ISO 7064 MOD 97-10 (`DE00` moved to the end, D = 13, E = 14). */
function iban(): string {
  const account = draw(DIGITS, 18);
  const check = 98n - (BigInt(`${account}131400`) % 97n);
  return `DE${String(check).padStart(2, '0')}${account}`;
}

const one = (text: string) => ({ text, forms: [text] });

const MAKERS = {
  email: () => one(`${word()}@${word(12)}.example`),
  name: () => one(`${capital(word(11))} ${capital(word(12))}`),
  note: () => one(`Said on the phone: ${word(24)}`),
  /** Not only ASCII: leaks through escaping or another encoding would look different. */
  unicode: () => one(`Ünï ${word()} ✓ ${word()}`),
  pan: () => {
    const body = `4${draw(DIGITS, 14)}`;
    const digits = `${body}${luhnDigit(body)}`;
    const text = digits.replace(/(\d{4})(?=\d)/g, '$1 ');
    return { text, forms: [text, digits] };
  },
  /** North American, so that the exchange must not begin with 0 or 1. */
  phone: () => {
    const [area, exchange, line] = [
      '212',
      `${randomInt(2, 10)}${draw(DIGITS, 2)}`,
      draw(DIGITS, 4),
    ];
    const normal = `+1${area}${exchange}${line}`;
    const text = `+1 ${area}-${exchange}-${line}`;
    return { text, forms: [text, normal, normal.slice(1)] };
  },
  ssn: () => {
    const area = String(randomInt(100, 666));
    const group = String(randomInt(1, 100)).padStart(2, '0');
    const serial = String(randomInt(1, 10_000)).padStart(4, '0');
    return { text: `${area}-${group}-${serial}`, forms: [`${area}-${group}-${serial}`] };
  },
  iban: () => {
    const normal = iban();
    const text = normal.replace(/(.{4})(?=.)/g, '$1 ');
    return { text, forms: [text, normal] };
  },
  customerId: () => one(`ZQ-${draw(DIGITS, 12)}`),
  loyalty: () => one(draw(DIGITS, 19)),
  /** For members that are not values: any short text without control characters. */
  plain: () => one(word(20)),
  /** What a field, view or purpose may be called. */
  identifier: () => one(`c${word(19)}`),
  base64: () => one(randomBytes(24).toString('base64url')),
} as const satisfies Record<string, () => Pick<Canary, 'text' | 'forms'>>;

export type CanaryKind = keyof typeof MAKERS;

/** Remembers every canary that it hands out. */
export type CanaryCage = {
  make: (kind: CanaryKind) => string;
  formsOf: (text: string) => readonly string[];
  all: () => readonly Canary[];
};

/** Makes a cage of canaries, each unlike all others. */
export function makeCanaryCage(): CanaryCage {
  const canaries = new Map<string, Canary>();
  return {
    make(kind) {
      let made = MAKERS[kind]();
      while (canaries.has(made.text)) made = MAKERS[kind]();
      canaries.set(made.text, { kind, ...made });
      return made.text;
    },
    formsOf: (text) => canaries.get(text)?.forms ?? [],
    all: () => [...canaries.values()],
  };
}
