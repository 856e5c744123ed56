// A witness of the C2SP tlog-witness protocol for tests: everything that the specification demands of one,
// but that it forgets all when the process ends.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkConsistency } from '../../src/tlog/check-proof.ts';
import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { emptyRoot } from '../../src/tlog/hash.ts';
import { addSignatures, parseNote, signatureLines } from '../../src/tlog/note.ts';
import {
  generateSigningKey,
  makeCosigner,
  parseSigningKey,
  type Signer,
} from '../../src/tlog/signing-key.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { parseWitnessRequest, type WitnessRequest } from '../../src/tlog/witness-request.ts';

type Answer = { status: number; body: string; contentType?: string };

/** What it has cosigned last of one log. */
type Cosigned = { size: number; root: Buffer; note: string };

export type TestWitness = {
  /** Submission and monitoring prefix. */
  url: string;
  /** Its key, for policies. */
  vkey: string;
  /** From now on it cosigns the log of this origin, signed by this key. */
  trust(origin: string, vkey: string): void;
  /** Bodies of all requests so far. */
  requests: string[];
  /** Size that it has cosigned of a log. */
  sizeOf(origin: string): number;
  /** Answers in its stead while set. Resolve late to be slow. */
  answerWith: ((honest: () => Answer) => Answer | Promise<Answer>) | undefined;
  close(): Promise<void>;
};

const refused = (status: number, body: string): Answer => ({ status, body: `${body}\n` });

/** What a witness knows and decides, without the HTTP around it. */
function makeJudge(signer: Signer) {
  const trusted = new Map<string, string>();
  const cosigned = new Map<string, Cosigned>();

  /** Everything after the signature: old size and proof. Then, and only then, it is cosigned. */
  const judge = (request: WitnessRequest, { origin, size, root }: Checkpoint): Answer => {
    const { oldSize, proof, checkpoint: note } = request;
    if (oldSize > size) return refused(400, 'old size is larger');
    const last = cosigned.get(origin) ?? { size: 0, root: emptyRoot(), note: '' };
    if (oldSize !== last.size) {
      return { status: 409, body: `${last.size}\n`, contentType: 'text/x.tlog.size' };
    }
    try {
      checkConsistency({ oldSize, oldRoot: last.root, size, root, proof });
    } catch {
      return refused(422, 'proof refused');
    }
    const lines = signatureLines(parseNote(note).text, [signer]);
    cosigned.set(origin, { size, root, note: addSignatures(note, lines) });
    return { status: 200, body: lines };
  };

  return {
    trusted,
    cosigned,
    addCheckpoint(body: string): Answer {
      const request = attempt(() => parseWitnessRequest(body));
      if (request === undefined) return refused(400, 'malformed');
      const { checkpoint: note } = request;
      const { origin } = parseCheckpoint(parseNote(note).text);
      const vkey = trusted.get(origin);
      if (vkey === undefined) return refused(404, 'unknown log');
      const opened = attempt(() => openCheckpoint({ note, origin, log: [parseVerifierKey(vkey)] }));
      return opened === undefined
        ? refused(403, 'no trusted signature')
        : judge(request, opened.checkpoint);
    },
    latest(path: string): Answer {
      const hash = (origin: string) => createHash('sha256').update(origin).digest('hex');
      const found = [...cosigned].find(([origin]) => path === `/${hash(origin)}/checkpoint`);
      return found === undefined ? refused(404, '') : { status: 200, body: found[1].note };
    },
  };
}

/** Starts one on a free port of the loopback address. */
export async function startWitness(name = 'witness.test/w1'): Promise<TestWitness> {
  const nowSeconds = () => Math.floor(Date.now() / 1_000);
  const signer = makeCosigner(parseSigningKey(generateSigningKey(name)), nowSeconds);
  const judge = makeJudge(signer);

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (request.method === 'GET') return judge.latest(request.url ?? '');
    if (request.url !== '/add-checkpoint') return refused(404, '');
    witness.requests.push(body);
    const honest = () => judge.addCheckpoint(body);
    return witness.answerWith === undefined ? honest() : witness.answerWith(honest);
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body, contentType = 'text/plain' }) => {
        response.writeHead(status, { 'content-type': contentType }).end(body);
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const witness: TestWitness = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    vkey: signer.verifierKey,
    trust: (origin, vkey) => {
      judge.trusted.set(origin, vkey);
    },
    requests: [],
    sizeOf: (origin) => judge.cosigned.get(origin)?.size ?? 0,
    answerWith: undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return witness;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
