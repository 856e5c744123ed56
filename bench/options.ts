import { parseArgs } from 'node:util';

const TOKENS = { '100k': 100_000, '1m': 1_000_000, '10m': 10_000_000 } as const;

export type Options = {
  isHelp: boolean;
  isList: boolean;
  isQuick: boolean;
  /** Names of scenarios; `undefined`: all. */
  only: readonly string[] | undefined;
  /** Of the sustained load; `undefined`: as usual. */
  minutes: number | undefined;
  /** The most tokens that are stored. */
  tokens: number;
  /** Goes on with the result of this name, and measures the scenarios that it lacks. */
  isResumed: boolean;
  /** An earlier result, to tell what changed since. */
  compare: string | undefined;
  /** Of the files in `bench/results`, without their ends. */
  name: string;
};

export const USAGE = `usage: npm run bench -- [options]
  --quick           seconds instead of an hour, to try something; targets are shown, and not judged
  --only A,B        these scenarios only (--list names them)
  --minutes N       length of the sustained load (10)
  --tokens N        store up to 100k, 1m (default) or 10m tokens; 10m need half an hour and 10 GB more
  --compare FILE    show what changed against an earlier result
  --name NAME       name of the results: bench/results/NAME.json and NAME-*.svg (latest)
  --resume          go on with the result of this name: measure what it lacks
  --list            name the scenarios
`;

/** Reads the options; throws an error with one line for whoever typed them. */
export function parseOptions(args: readonly string[], scenarios: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      list: { type: 'boolean' },
      quick: { type: 'boolean' },
      resume: { type: 'boolean' },
      only: { type: 'string' },
      minutes: { type: 'string' },
      tokens: { type: 'string' },
      compare: { type: 'string' },
      name: { type: 'string' },
    },
  });
  return {
    isHelp: values.help === true,
    isList: values.list === true,
    isQuick: values.quick === true,
    isResumed: values.resume === true,
    only: values.only === undefined ? undefined : parseOnly(values.only, scenarios),
    minutes: values.minutes === undefined ? undefined : parseMinutes(values.minutes),
    tokens: parseTokens(values.tokens ?? '1m'),
    compare: values.compare,
    name: parseName(values.name ?? 'latest'),
  };
}

function parseOnly(text: string, scenarios: readonly string[]): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'`);
  if (names.length === 0) throw new Error('--only names no scenario');
  return names;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 1_440)) throw new Error(`--minutes ${text} is no time`);
  return minutes;
}

function parseTokens(text: string): number {
  if (Object.hasOwn(TOKENS, text)) return TOKENS[text as keyof typeof TOKENS];
  throw new Error(`--tokens is one of ${Object.keys(TOKENS).join(', ')}`);
}

function parseName(text: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) throw new Error(`--name ${text} is no name`);
  return text;
}
