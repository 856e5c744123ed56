import { Redis } from 'ioredis';

/** How long one command may take, in milliseconds. */
const COMMAND_MS = 500;
const CONNECT_MS = 2_000;
const MAX_RETRY_DELAY_MS = 1_000;

/** A connection to Redis that reconnects by itself; `failed` hears why it is down. */
export type RedisClient = Redis;

/**
 * Connects to Redis (`redis://`, `rediss://`). A command is sent once, at once, or not at all: the
 * driver's defaults would keep commands while the connection is down and send them again later, long
 * after their caller was told that they failed.
 *
 * @param options.failed is called on every error of the connection; the driver would print it otherwise
 */
export function makeRedisClient(options: {
  url: string;
  /** Shown in `CLIENT LIST`. */
  name?: string;
  failed: (error: unknown) => void;
}): RedisClient {
  const client = new Redis(options.url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_MS,
    connectTimeout: CONNECT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RETRY_DELAY_MS),
    connectionName: options.name ?? 'counterfoil',
  });
  client.on('error', options.failed);
  return client;
}
