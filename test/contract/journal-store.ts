// What every keeper of a journal's entries must do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalStore } from '../../src/operations/ports/erasure-journal.ts';

/** Runs the contract. `open` gives one more view of a new, empty journal each time `fresh` is set. */
export function runJournalStoreContract(
  name: string,
  open: (options: { fresh: boolean }) => Promise<JournalStore>,
): void {
  test(`${name}: is empty at first`, async () => {
    const journal = await open({ fresh: true });
    assert.deepEqual(await journal.names(), []);
    assert.deepEqual(await journal.read(['1.2.3']), new Map());
    await journal.close();
  });

  test(`${name}: entries are read back as they were given, also by others`, async () => {
    const journal = await open({ fresh: true });
    const entries = Array.from({ length: 40 }, (_, at) => [`1.${at}.ab`, `text ${at}\n`] as const);
    await Promise.all(entries.map(([key, text]) => journal.add(key, text)));
    const other = await open({ fresh: false });
    const names = entries.map(([key]) => key).sort();
    assert.deepEqual((await other.names()).sort(), names);
    assert.deepEqual([...(await other.read(names))].sort(), entries.toSorted());
    assert.deepEqual(await other.read([]), new Map());
    assert.deepEqual(await other.read(['1.7.ab', '9.9.9']), new Map([['1.7.ab', 'text 7\n']]));
    await Promise.all([journal.close(), other.close()]);
  });

  test(`${name}: the first entry of a name stays, whoever comes later or at once`, async () => {
    const journal = await open({ fresh: true });
    await journal.add('1.1.a', 'first\n');
    await Promise.all(['second\n', 'third\n'].map((text) => journal.add('1.1.a', text)));
    assert.deepEqual(await journal.read(['1.1.a']), new Map([['1.1.a', 'first\n']]));
    await Promise.all(Array.from({ length: 8 }, () => journal.add('1.2.a', 'same\n')));
    assert.deepEqual(await journal.read(['1.2.a']), new Map([['1.2.a', 'same\n']]));
    assert.equal((await journal.names()).length, 2);
    await journal.close();
  });
}
