import { VaultError } from '../../domain/errors.ts';

/**
 * Makes what bounds how many of the functions that it is given run at once, all together. One more is refused.
 * @throws VaultError `overloaded` from the functions that it makes
 */
export function makeBound(max: number) {
  let running = 0;
  return <Input, Output>(
    work: (input: Input) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) =>
    async (input) => {
      if (running >= max) throw new VaultError('overloaded');
      running += 1;
      try {
        return await work(input);
      } finally {
        running -= 1;
      }
    };
}
