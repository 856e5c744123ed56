import type { Client, Pool } from 'pg';

/** What the product's own transactions become inside of another one. */
const NESTED: Record<string, string> = {
  begin: 'savepoint within',
  commit: 'release savepoint within',
  rollback: 'rollback to savepoint within',
};

/**
 * A pool whose only connection is an open transaction of the test's: the product reads and writes in it,
 * commits included, and when the test rolls it back nothing of it ever happened. One connection is lent at a
 * time.
 */
export function makePoolWithin(client: Client): Pool {
  let lastReturn = Promise.resolve();
  const connect = async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = lastReturn;
    lastReturn = promise;
    await before;
    return makeLoan(client, resolve);
  };
  return { connect } as unknown as Pool;
}

function makeLoan(client: Client, release: () => void) {
  let isNested = false;
  const query = async (statement: { text: string }) => {
    const nested = NESTED[statement.text];
    if (nested !== undefined) {
      isNested = statement.text === 'begin';
      return client.query(nested);
    }
    if (isNested) {
      return client.query(statement);
    }
    // What fails by itself must not take the test's transaction with it.
    await client.query('savepoint alone');
    try {
      const result = await client.query(statement);
      await client.query('release savepoint alone');
      return result;
    } catch (error) {
      await client.query('rollback to savepoint alone');
      throw error;
    }
  };
  return { query, release, on: () => undefined, off: () => undefined };
}
