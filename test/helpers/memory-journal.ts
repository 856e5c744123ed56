import type { JournalStore } from '../../src/operations/ports/erasure-journal.ts';

/** A journal's entries in memory, open to whoever wants to alter them. */
export function makeMemoryJournalStore(): JournalStore & { entries: Map<string, string> } {
  const entries = new Map<string, string>();
  return {
    entries,
    add: async (name, text) => {
      if (!entries.has(name)) entries.set(name, text);
    },
    names: async () => [...entries.keys()],
    read: async (names) => new Map([...entries].filter(([name]) => names.includes(name))),
    close: async () => {},
  };
}
