import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { type Admission, makeAdmission, type Refusal, type Visit } from './admission.ts';

const KIB = 1024;
const QUIET = { lagMs: 0, isHeapFull: false };

const make = (limits: Partial<Limits> = {}) =>
  makeAdmission({ ...DEFAULT_LIMITS, requestsInFlight: 8, leastInFlight: 8, ...limits });

function taken(visit: Visit | Refusal): Visit {
  assert.ok(typeof visit === 'object', `refused: ${String(visit)}`);
  return visit;
}

/** Takes in as many small requests as go in. */
function fill(admission: ReturnType<typeof make>, caller: string): Visit[] {
  const visits: Visit[] = [];
  for (;;) {
    const visit = admission.enter(0);
    if (typeof visit === 'string') return visits;
    if (admission.identify(visit, caller) !== undefined) {
      admission.leave(visit);
      return visits;
    }
    visits.push(visit);
  }
}

test('what is above the limit is refused, and let in as soon as something has left', () => {
  const admission = make();
  const visits = fill(admission, 'a');
  assert.equal(visits.length, 8);
  assert.equal(admission.enter(0), 'full');
  admission.leave(taken(visits[0] ?? 'full'), 3);
  taken(admission.enter(0));
});

test('a large body is more than one unit of work, and cannot shut itself out', () => {
  const admission = make();
  const batch = taken(admission.enter(100 * KIB));
  assert.equal(batch.units, 1, 'it has only been announced');
  assert.equal(admission.grow(batch, 100 * KIB), undefined);
  assert.equal(batch.units, 26);
  assert.equal(admission.enter(0), 'full');
  admission.leave(batch, 60);
  assert.deepEqual(admission.reading(), { limit: 8, units: 0, bodyBytes: 0 });
});

test('large bodies share a budget; small ones never wait for it, nor does one that is alone', () => {
  const admission = make({
    requestsInFlight: 2048,
    leastInFlight: 2048,
    largeBodiesBytes: 100 * KIB,
  });
  const arrived = (bytes: number) => {
    const visit = taken(admission.enter(bytes));
    assert.equal(admission.grow(visit, bytes), undefined);
    return visit;
  };
  const first = arrived(200 * KIB);
  assert.equal(admission.enter(20 * KIB), 'bodies');
  taken(admission.enter(16 * KIB));
  admission.leave(first);
  arrived(60 * KIB);
  assert.equal(admission.enter(60 * KIB), 'bodies');
  arrived(40 * KIB);
});

test('who announces large bodies and does not send them takes nothing away from others', () => {
  const admission = make({
    requestsInFlight: 2048,
    leastInFlight: 100,
    largeBodiesBytes: 100 * KIB,
  });
  for (let slow = 0; slow < 50; slow += 1) taken(admission.enter(90 * KIB));
  assert.deepEqual(admission.reading(), { ...admission.reading(), units: 50, bodyBytes: 0 });
  assert.equal(admission.grow(taken(admission.enter(90 * KIB)), 90 * KIB), undefined);
});

test('a body that declares more than any body may have is asked for as the largest', () => {
  const admission = make({ bodyBytes: 64 * KIB, largeBodiesBytes: 80 * KIB });
  assert.equal(admission.grow(taken(admission.enter(0)), 16 * KIB), undefined);
  taken(admission.enter(Number.MAX_SAFE_INTEGER));
});

test('a body without a length is counted as it comes, and ends when there is no room', () => {
  const admission = make({
    requestsInFlight: 2048,
    leastInFlight: 2048,
    largeBodiesBytes: 100 * KIB,
  });
  const chunked = taken(admission.enter(0));
  assert.equal(admission.grow(chunked, 64 * KIB), undefined);
  assert.equal(chunked.units, 17);
  assert.equal(admission.enter(60 * KIB), 'bodies');
  const small = taken(admission.enter(0));
  assert.equal(admission.grow(chunked, 36 * KIB), undefined);
  assert.equal(admission.grow(small, KIB), undefined);
  assert.equal(admission.grow(small, 20 * KIB), 'bodies');
  for (const visit of [chunked, small]) admission.leave(visit);
  assert.equal(admission.reading().bodyBytes, 0);
});

test('who is alone may have it all; when others ask, nobody has more than a share of a full server', () => {
  const admission = make({ requestsInFlight: 40, leastInFlight: 40 });
  const greedy = fill(admission, 'greedy');
  assert.equal(greedy.length, 40);
  admission.leave(taken(greedy.pop() ?? 'full'));
  const other = taken(admission.enter(0));
  assert.equal(admission.identify(other, 'modest'), undefined);
  for (const visit of greedy.splice(0, 5)) admission.leave(visit);
  assert.equal(fill(admission, 'greedy').length, 0);
  // The one who holds less gets in, up to half of it.
  assert.equal(fill(admission, 'modest').length, 5);
});

test('who has not asked for a second shares nothing', () => {
  const admission = make({ requestsInFlight: 40, leastInFlight: 40 });
  for (const visit of fill(admission, 'modest')) admission.leave(visit);
  const shared = fill(admission, 'greedy');
  assert.equal(shared.length, 30);
  for (let turn = 0; turn < 20; turn += 1) admission.turn(QUIET);
  assert.equal(fill(admission, 'greedy').length, 10);
});

test('large bodies of one caller leave room for those of others', () => {
  const admission = make({
    requestsInFlight: 2048,
    leastInFlight: 2048,
    largeBodiesBytes: 100 * KIB,
  });
  admission.identify(taken(admission.enter(0)), 'modest');
  const send = (caller: string) => {
    const visit = taken(admission.enter(40 * KIB));
    return admission.identify(visit, caller) ?? admission.grow(visit, 40 * KIB);
  };
  assert.equal(send('greedy'), undefined);
  assert.equal(send('greedy'), 'share');
});

test('the only request of a caller is never more than its share, however many others there are', () => {
  const admission = make({ requestsInFlight: 40, leastInFlight: 40 });
  const greedy = fill(admission, 'greedy');
  for (const visit of greedy.splice(0, 10)) admission.leave(visit);
  for (const caller of ['b', 'c']) {
    assert.equal(admission.identify(taken(admission.enter(0)), caller), undefined);
  }
  // 26 units: each of the four has a share of ten.
  const batch = taken(admission.enter(100 * KIB));
  assert.equal(admission.identify(batch, 'd'), undefined);
  assert.equal(admission.grow(batch, 100 * KIB), undefined);
  for (const visit of greedy) admission.leave(visit);
  for (let count = 0; count < 5; count += 1) {
    assert.equal(admission.identify(taken(admission.enter(0)), `${count}`), undefined);
  }
  assert.equal(admission.identify(taken(admission.enter(0)), 'd'), 'share');
});

test('a body without a length counts for the share of its caller, too', () => {
  const admission = make({
    requestsInFlight: 2048,
    leastInFlight: 2048,
    largeBodiesBytes: 100 * KIB,
  });
  const enter = (caller: string) => {
    const visit = taken(admission.enter(0));
    assert.equal(admission.identify(visit, caller), undefined);
    return visit;
  };
  const [modest, first, second] = [enter('modest'), enter('greedy'), enter('greedy')];
  assert.equal(admission.grow(first, 40 * KIB), undefined);
  assert.equal(admission.grow(second, 40 * KIB), 'share');
  admission.leave(second);
  assert.equal(admission.grow(modest, 40 * KIB), undefined);
});

test('when answers come too late, what is beyond the least is refused, until something is quick again', () => {
  const admission = make({ requestsInFlight: 64, leastInFlight: 8 });
  const visits = Array.from({ length: 9 }, () => taken(admission.enter(0)));
  admission.leave(taken(visits.pop() ?? 'full'), 1500);
  admission.turn(QUIET);
  assert.equal(admission.enter(0), 'late');
  for (const visit of visits.splice(0, 4)) admission.leave(visit, 1500);
  admission.turn(QUIET);
  taken(admission.enter(0));
  for (const visit of visits) admission.leave(visit, 20);
  admission.turn(QUIET);
  for (let count = 0; count < 10; count += 1) taken(admission.enter(0));
});

test('a loop that stood still for longer than anybody waits lets in the least, and then all', () => {
  const admission = make({ requestsInFlight: 64, leastInFlight: 8 });
  admission.turn({ lagMs: 3000, isHeapFull: false });
  const visits = Array.from({ length: 8 }, () => taken(admission.enter(0)));
  assert.equal(admission.enter(0), 'late');
  admission.turn(QUIET);
  visits.push(taken(admission.enter(0)));
});

test('a full heap refuses everything, while it is full', () => {
  const admission = make();
  admission.turn({ lagMs: 0, isHeapFull: true });
  assert.equal(admission.enter(0), 'memory');
  admission.turn(QUIET);
  taken(admission.enter(0));
});

test('a stream takes no place, and its windows wait for room', async () => {
  const admission = make();
  admission.leave(taken(admission.enter(0)));
  const visits = fill(admission, 'a');
  assert.equal(visits.length, 8);
  let isIn = false;
  const room = admission.room().then(() => {
    isIn = true;
  });
  await new Promise(setImmediate);
  assert.equal(isIn, false);
  admission.leave(taken(visits[0] ?? 'full'));
  await room;
  await admission.room();
});

type Request = { declared: number; grown: number[]; caller: string; isStream: boolean };

/** Comes, and leaves at once unless it is to stay; the visit, where it goes on. */
function comeAndGo(admission: Admission, request: Request, stays: boolean): Visit[] {
  const { declared, grown, caller, isStream } = request;
  const visit = admission.enter(declared);
  if (typeof visit === 'string') return [];
  admission.identify(visit, caller);
  for (const bytes of grown) admission.grow(visit, bytes);
  if (stays) return [visit];
  admission.leave(visit, isStream ? undefined : 10);
  admission.turn(QUIET);
  return [];
}

test('whatever comes and goes in whatever order, nothing is left over', () => {
  const requests = fc.array(
    fc.record({
      declared: fc.nat(200 * KIB),
      grown: fc.array(fc.nat(64 * KIB), { maxLength: 4 }),
      caller: fc.constantFrom('a', 'b', 'c'),
      isStream: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(requests, (all) => {
      const admission = make({ requestsInFlight: 500, leastInFlight: 100 });
      // Some leave at once, the others at the end.
      const visits = all.flatMap((request, index) =>
        comeAndGo(admission, request, !request.isStream && index % 3 > 0),
      );
      for (const visit of visits) admission.leave(visit);
      const { units, bodyBytes } = admission.reading();
      assert.deepEqual({ units, bodyBytes }, { units: 0, bodyBytes: 0 });
    }),
  );
});
