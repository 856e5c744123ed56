import { VaultError } from '../../../../domain/errors.ts';
import type { Question } from './messages.ts';

type Asked = { resolve: (value: unknown) => void; reject: (error: VaultError) => void };

/** Questions to the main thread, and its answers. */
export type Questions = {
  /** Rejects with `key_unavailable` when it is refused, or not answered in time. */
  ask(question: Question): Promise<unknown>;
  answer(id: number, value: unknown): void;
  refuse(id: number): void;
};

const ANSWER_WITHIN_MS = 10_000;

/** Makes the worker's end of asking. */
export function makeQuestions(send: (id: number, question: Question) => void): Questions {
  const asked = new Map<number, Asked>();
  let lastId = 0;

  const refuse = (id: number): void => {
    const detail = 'the main thread gave no answer';
    asked.get(id)?.reject(new VaultError('key_unavailable', { detail }));
    asked.delete(id);
  };

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        const id = lastId;
        asked.set(id, { resolve, reject });
        setTimeout(() => refuse(id), ANSWER_WITHIN_MS).unref();
        send(id, question);
      }),
    answer: (id, value) => {
      asked.get(id)?.resolve(value);
      asked.delete(id);
    },
    refuse,
  };
}
