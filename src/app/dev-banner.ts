/** What the embedded start tells: also the content of `dev.json`. */
export type DevFacts = {
  http: string;
  admin: string;
  vault: string;
  tokens: Readonly<Record<string, string>>;
};

const SAMPLE = { field: 'email', value: 'ada@example.com' };
const PURPOSE = 'support-ticket';

/** Takes the token out of an answer with what every system has. The answer has this one member. */
const PICK_TOKEN = String.raw`sed 's/.*"token":"\([^"]*\)".*/\1/'`;

/** The text that a person sees when everything runs. */
export function renderBanner(facts: DevFacts, dataDir: string): string {
  const [tokenize, masked, full] = curlLines(facts);
  const width = Math.max(...Object.keys(facts.tokens).map((role) => role.length));
  return [
    '',
    'Counterfoil is running, for development only.',
    '',
    `  REST API   ${facts.http}   (reference: ${facts.http}/docs)`,
    `  admin      ${facts.admin}   (/livez, /readyz, /metrics)`,
    `  data       ${dataDir}`,
    '',
    `Bearer tokens of the vault "${facts.vault}", one per role, for 24 hours (also in dev.json):`,
    '',
    ...Object.entries(facts.tokens).map(([role, token]) => `  ${role.padEnd(width)}  ${token}`),
    '',
    'An application swaps an e-mail address for a token:',
    '',
    tokenize,
    '',
    'A support tool sees it masked, for a declared purpose:',
    '',
    masked,
    '',
    'A supervisor with a second factor sees it in full:',
    '',
    full,
    '',
    'Stop with Ctrl-C. The data stay.',
    '',
    '',
  ].join('\n');
}

/**
 * Three commands for a POSIX shell. Each stands alone, whatever was pasted before: the second and the
 * third get their token by asking for it first, which gives the same one each time.
 */
export function curlLines(facts: DevFacts): [tokenize: string, masked: string, full: string] {
  const tokenize = curl(facts, { role: 'app', call: 'tokenize', body: JSON.stringify(SAMPLE) });
  const reveal = (role: string, view: string) => {
    const token = `'"$(${tokenize} | ${PICK_TOKEN})"'`;
    const body = `{"token":"${token}","view":"${view}","purpose":"${PURPOSE}"}`;
    return curl(facts, { role, call: 'detokenize', body });
  };
  return [tokenize, reveal('support', 'masked'), reveal('supervisor', 'full')];
}

function curl(facts: DevFacts, request: { role: string; call: string; body: string }): string {
  const url = `${facts.http}/v1/vaults/${facts.vault}/${request.call}`;
  const bearer = `-H 'authorization: Bearer ${facts.tokens[request.role] ?? ''}'`;
  return `curl -sS ${url} ${bearer} -H 'content-type: application/json' -d '${request.body}'`;
}
