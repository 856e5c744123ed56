import { VaultError } from '../../../../domain/errors.ts';

/** A bigint column as the driver gives it. Indexes, sizes and times stay below 2^53. */
export type Int8 = string;

/** What was stored is not what the sequencer wrote. `detail` says where, never what. */
export function damaged(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
