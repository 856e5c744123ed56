import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** What a proxy does with one message that the service sends. */
type Verdict = 'pass' | 'lose-answer';

export type AnswerLoser = {
  /** The same database, reached through the proxy. */
  url: string;
  /**
   * From now on the next statement whose bytes contain `text` is forwarded, its answer swallowed, and
   * the connection cut: the server has committed, and the client cannot know. Counts down `times`.
   */
  loseAnswersTo(text: string, times: number): void;
  /** Counts the messages of the service that contain `text`, from now on. */
  watchFor(text: string): () => number;
  /** How many answers were lost so far. */
  lost(): number;
  close(): Promise<void>;
};

/** Starts a TCP proxy between a service and Postgres, which can lose an answer at will. */
export async function startProxy(databaseUrl: string): Promise<AnswerLoser> {
  const upstream = upstreamOf(databaseUrl);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  let armed: { text: string; times: number } | undefined;
  const watched = new Map<string, number>();
  let lost = 0;
  const judge = (bytes: Buffer): Verdict => {
    if (armed === undefined || armed.times === 0 || !bytes.includes(armed.text)) return 'pass';
    armed.times -= 1;
    return 'lose-answer';
  };
  const server = createServer((client) => {
    const database = connect(upstream);
    keep(client);
    keep(database);
    let losing = false;
    client.on('data', (bytes: Buffer) => {
      for (const [text, count] of watched) watched.set(text, count + Number(bytes.includes(text)));
      losing ||= judge(bytes) === 'lose-answer';
      database.write(bytes);
    });
    database.on('data', (bytes: Buffer) => {
      if (!losing) {
        client.write(bytes);
      } else if (isReady(bytes)) {
        // The server says that the statement's transaction is over; nobody will hear of it.
        lost += 1;
        client.destroy();
        database.destroy();
      }
    });
    client.on('close', () => database.destroy());
    database.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(databaseUrl);
  url.search = '';
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: url.href,
    loseAnswersTo: (text, times) => {
      armed = { text, times };
    },
    watchFor: (text) => {
      watched.set(text, 0);
      return () => watched.get(text) ?? 0;
    },
    lost: () => lost,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A host and port, or the socket in the folder that `host` names. */
function upstreamOf(databaseUrl: string): NetConnectOpts {
  const url = new URL(databaseUrl);
  const host = url.searchParams.get('host') ?? (url.hostname || 'localhost');
  const port = url.port || '5432';
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port: Number(port) };
}

/** ReadyForQuery, outside of a transaction, ends the message (PostgreSQL, 54.7): 'Z', length 5, 'I'. */
function isReady(bytes: Buffer): boolean {
  return bytes.subarray(-6).equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]));
}
