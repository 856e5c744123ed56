/** Largest entry that is put or believed, in bytes. */
export const MAX_ENTRY_BYTES = 64 * 1024;
