import { sha256Hex } from '../../crypto/digest.ts';
import type {
  CosignRequest,
  Witness,
  WitnessAnswer,
  WitnessFailure,
} from '../../operations/ports/witness.ts';
import { openNote, parseNote } from '../../tlog/note.ts';
import { parseDecimal } from '../../tlog/numbers.ts';
import type { Verifier } from '../../tlog/verifier-key.ts';
import { formatWitnessRequest } from '../../tlog/witness-request.ts';
import { type Answer, type Fetch, request } from './http.ts';

/** Answers of tlog-witness that end the matter, whatever their body says. */
const REFUSALS: ReadonlyMap<number, WitnessFailure> = new Map([
  [400, 'proof_refused'],
  [403, 'unknown_key'],
  [404, 'unknown_log'],
  [422, 'proof_refused'],
]);

/** What an answer means, or the size from which the witness wants the proof instead. */
type Reading = WitnessAnswer | { kind: 'stale'; size: number };

/**
 * A witness over HTTP (C2SP tlog-witness). It remembers which size each log was cosigned at last; when the
 * witness knows better (409), it asks once more from there.
 *
 * @param options.url submission prefix; latest checkpoints are looked for below it, too
 */
export function makeHttpWitness(options: {
  name: string;
  verifier: Verifier;
  url: string;
  fetch?: Fetch;
}): Witness {
  const { name, verifier, fetch = globalThis.fetch } = options;
  const prefix = options.url.replace(/\/+$/, '');
  const cosignedSizes = new Map<string, number>();

  const ask = async (cosign: CosignRequest, oldSize: number, signal: AbortSignal) => {
    const proof = await cosign.proofFrom(oldSize);
    const body = formatWitnessRequest({ oldSize, proof, checkpoint: cosign.note });
    try {
      const url = `${prefix}/add-checkpoint`;
      return readAnswer(await request({ fetch, url, signal, body }), { cosign, verifier });
    } catch {
      return failed(signal.aborted ? 'timeout' : 'unreachable');
    }
  };

  /** What the witness shows for its claim; nothing, if it has no monitoring API under this prefix. */
  const findNote = async (origin: string, signal: AbortSignal): Promise<{ note?: string }> => {
    try {
      const url = `${prefix}/${sha256Hex(origin)}/checkpoint`;
      const { status, body } = await request({ fetch, url, signal });
      return status === 200 ? { note: body } : {};
    } catch {
      return {};
    }
  };

  return {
    name,
    async cosign(cosign, signal) {
      const { origin, size } = cosign;
      const known = cosignedSizes.get(origin) ?? 0;
      let reading = await ask(cosign, Math.min(known, size), signal);
      if (reading.kind === 'stale' && reading.size <= size) {
        reading = await ask(cosign, reading.size, signal);
      }
      if (reading.kind === 'stale') {
        return reading.size > size
          ? { kind: 'ahead', size: reading.size, ...(await findNote(origin, signal)) }
          : failed('answer_unusable');
      }
      if (reading.kind === 'cosigned') {
        cosignedSizes.set(origin, size);
      }
      return reading;
    },
  };
}

const failed = (reason: WitnessFailure) => ({ kind: 'failed', reason }) as const;

function readAnswer(
  { status, contentType, body }: Answer,
  context: { cosign: CosignRequest; verifier: Verifier },
): Reading {
  if (status === 200) {
    const line = findCosignature(body, context);
    return line === undefined ? failed('cosignature_wrong') : { kind: 'cosigned', line };
  }
  if (status === 409 && /^text\/x\.tlog\.size *(;|$)/.test(contentType)) {
    const size = body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
    return size === undefined ? failed('answer_unusable') : { kind: 'stale', size };
  }
  return failed(REFUSALS.get(status) ?? 'answer_unusable');
}

/** The line that is this witness's valid signature on this checkpoint. Others are not passed on. */
function findCosignature(
  body: string,
  { cosign, verifier }: { cosign: CosignRequest; verifier: Verifier },
): string | undefined {
  const { text } = parseNote(cosign.note);
  return body
    .split('\n')
    .map((line) => `${line}\n`)
    .find((line) => {
      try {
        // With another text or a blank line in it, the line would not be one signature on this text.
        return openNote(`${text}\n${line}`, [verifier]).text === text;
      } catch {
        return false;
      }
    });
}
