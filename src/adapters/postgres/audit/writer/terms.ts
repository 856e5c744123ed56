import { type Term, type TermKind, termOf } from '../../../../crypto/audit-term.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import type { AuditEvent } from '../../../../domain/audit/event.ts';

/** A few thousand callers and purposes; beyond that it begins anew. */
const MAX_REMEMBERED = 4_096;

/** The blind-index terms of one event under a term key. */
export type EventTerms = (key: SecretKey, event: AuditEvent) => Term[];

/**
 * Makes what computes the terms of events: one for each token reference, and one each for the actor's
 * subject, the purpose and the reference. Actors and purposes come again and again: their terms are
 * remembered beside the key object that they were made with, and go with it. Tokens are not: that would
 * be a list of them.
 */
export function makeEventTerms(): EventTerms {
  const actorTerm = makeMemory('actor');
  const purposeTerm = makeMemory('purpose');

  return (key, { who: { actor }, what: { tokens, purpose, reference } }) => {
    const terms = tokens?.map((token) => make(key, 'token', token)) ?? [];
    if (actor !== undefined) terms.push(actorTerm(key, actor.subject));
    if (purpose !== undefined) terms.push(purposeTerm(key, purpose));
    if (reference !== undefined) terms.push(make(key, 'reference', reference));
    return terms;
  };
}

/** `make` for texts of one kind that come again. */
function makeMemory(kind: TermKind): (key: SecretKey, text: string) => Term {
  const memory = new WeakMap<SecretKey, Map<string, Term>>();
  return (key, text) => {
    let known = memory.get(key);
    if (known === undefined || known.size >= MAX_REMEMBERED) {
      known = new Map();
      memory.set(key, known);
    }
    let term = known.get(text);
    if (term === undefined) {
      term = make(key, kind, text);
      known.set(text, term);
    }
    return term;
  };
}

/** Of the text as it stands in the disclosure, where lone surrogates are replaced. */
function make(key: SecretKey, kind: TermKind, text: string): Term {
  return termOf(key, kind, text.toWellFormed());
}
