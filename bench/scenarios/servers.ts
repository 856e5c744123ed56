import type { TestDatabase } from '../../test/helpers/database.ts';
import type { InstanceOptions, Lab } from '../lab/lab.ts';
import type { Server } from '../lab/processes.ts';

/** Without a database of the caller's (`Servers.database`), one of its own. */
type Options = Partial<InstanceOptions>;

/** Servers of one scenario: all are stopped at its end, however it ends, and their databases dropped. */
export type Servers = {
  floor(): Promise<Server>;
  database(): Promise<TestDatabase>;
  instance(options?: Options): Promise<Server>;
  /** Several on one database. */
  instances(count: number, options?: Options): Promise<Server[]>;
};

/** Settings of an instance without the in-process cache. */
export const NO_CACHE = { COUNTERFOIL_CACHE_BYTES: '0' };

/** Runs `work` with servers, and cleans up. */
export async function withServers<T>(lab: Lab, work: (servers: Servers) => Promise<T>): Promise<T> {
  const closers: (() => Promise<unknown>)[] = [];
  const keep = <Kept extends Server>(server: Kept): Kept => {
    closers.push(server.stop);
    return server;
  };
  const makeDatabase = async () => {
    const database = await lab.postgres.create();
    closers.push(database.drop);
    return database;
  };
  const instances: Servers['instances'] = async (count, options = {}) => {
    const database = options.database ?? (await makeDatabase());
    const started: Server[] = [];
    // One after the other: the first makes keys and vaults.
    while (started.length < count) {
      started.push(keep(await lab.startInstance({ ...options, database })));
    }
    return started;
  };
  try {
    return await work({
      floor: async () => keep(await lab.startFloor()),
      database: makeDatabase,
      instances,
      instance: async (options) => {
        const [server] = await instances(1, options);
        if (server === undefined) throw new Error('no instance was started');
        return server;
      },
    });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
