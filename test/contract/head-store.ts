// What every memory of signed states must do, whatever keeps it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Head, HeadStore } from '../../src/operations/ports/head-store.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { makeLogSigner } from '../helpers/tlog.ts';

const origin = 'log.test/audit/2026';
const signer = makeLogSigner(origin);

/** A head of this size. */
export function headOf(size: number, of = origin): Head {
  const root = Buffer.alloc(32, size);
  return { size, root, note: signCheckpoint({ origin: of, size, root }, [signer]) };
}

/** Runs the contract. `open` gives one more view of a new, empty memory each time `fresh` is set. */
export function runHeadStoreContract(
  name: string,
  open: (options: { fresh: boolean }) => Promise<HeadStore>,
): void {
  test(`${name}: nothing is remembered at first`, async () => {
    const heads = await open({ fresh: true });
    assert.equal(await heads.read(origin), undefined);
    await heads.close();
  });

  test(`${name}: a head is read back as it was given, also by others`, async () => {
    const heads = await open({ fresh: true });
    assert(await heads.advance({ origin, head: headOf(5), expectedSize: undefined }));
    assert(await heads.advance({ origin, head: headOf(7), expectedSize: 5 }));
    const other = await open({ fresh: false });
    assert.deepEqual(await other.read(origin), headOf(7));
    await Promise.all([heads.close(), other.close()]);
  });

  test(`${name}: shards are remembered apart`, async () => {
    const heads = await open({ fresh: true });
    const next = `${origin}-2`;
    assert(await heads.advance({ origin, head: headOf(9), expectedSize: undefined }));
    assert(await heads.advance({ origin: next, head: headOf(1, next), expectedSize: undefined }));
    assert.deepEqual(await heads.read(origin), headOf(9));
    assert.deepEqual(await heads.read(next), headOf(1, next));
    await heads.close();
  });

  test(`${name}: who expects another size changes nothing, and a size never falls or stays`, async () => {
    const heads = await open({ fresh: true });
    assert(!(await heads.advance({ origin, head: headOf(5), expectedSize: 0 })));
    assert(await heads.advance({ origin, head: headOf(5), expectedSize: undefined }));
    for (const [size, expectedSize] of [
      [9, undefined],
      [9, 4],
      [5, 5],
      [4, 5],
    ] as const) {
      assert(!(await heads.advance({ origin, head: headOf(size), expectedSize })));
    }
    assert.deepEqual(await heads.read(origin), headOf(5));
    await heads.close();
  });

  test(`${name}: of many who advance from one size, one does`, async () => {
    const first = await open({ fresh: true });
    const others = await Promise.all(Array.from({ length: 4 }, () => open({ fresh: false })));
    const views = [first, ...others];
    for (const expectedSize of [undefined, 10, 20, 30]) {
      const head = headOf((expectedSize ?? 0) + 10);
      const swaps = await Promise.allSettled(
        views.map((view) => view.advance({ origin, head, expectedSize })),
      );
      assert.equal(swaps.filter((swap) => swap.status === 'fulfilled' && swap.value).length, 1);
      assert.equal((await first.read(origin))?.size, (expectedSize ?? 0) + 10);
    }
    await Promise.all(views.map((view) => view.close()));
  });
}
