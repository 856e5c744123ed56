import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultError } from '../errors.ts';
import type { AuditEvent } from './event.ts';
import { canonicalJson, type Json } from './jcs.ts';
import { leafJson, whatDisclosure, whoDisclosure } from './leaf.ts';

const event: AuditEvent = {
  operation: 'detokenize',
  outcome: 'deny',
  status: 403,
  reason: 'view_not_granted',
  vault: 'demo',
  policy: '7:ab12',
  items: 2,
  who: {
    actor: { subject: 'ada', issuer: 'https://id.example', credential: 'jwt:k1', mfa: false },
    source: { ip: '192.0.2.1', userAgent: 'x\ud800' },
  },
  what: { requestId: 'r1', tokens: ['tok_2', 'tok_1'], view: 'full', purpose: 'fraud-review' },
};
const written = { id: 'ad17tOA3GVe2VrdjjpfYYQ', atMs: 1_770_000_000_001 };
const writer = ['XS24KCX3RcmL-dZX6gEjZg', 1] as const;

test('a leaf is RFC 8785 JSON with the members of AUDIT-LOG §4.1, digests sorted', () => {
  assert.equal(
    leafJson({ event, ...written, writer, digests: ['mtB1', 'eQ1z'] }),
    '{"_sd":["eQ1z","mtB1"],"id":"ad17tOA3GVe2VrdjjpfYYQ","n":2,"op":"detokenize","out":"deny",' +
      '"pol":"7:ab12","rc":403,"rsn":"view_not_granted","t":1770000000001,"v":1,"vlt":"demo",' +
      '"w":["XS24KCX3RcmL-dZX6gEjZg",1]}',
  );
});

test('every leaf is what canonical JSON makes of its members', () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 });
  const number = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const absent = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  fc.assert(
    fc.property(
      fc.record({
        _sd: fc.array(text, { maxLength: 3 }),
        attr: absent(fc.dictionary(text, fc.oneof(text, number), { noNullPrototype: true })),
        cnt: absent(number),
        id: text,
        n: number,
        op: fc.constantFrom('detokenize', 'auth.fail', 'log.open'),
        out: fc.constantFrom('allow', 'deny', 'error'),
        pol: absent(text),
        rc: number,
        rsn: absent(fc.constantFrom('forbidden', 'outdated')),
        t: number,
        vlt: absent(text),
        w: absent(fc.tuple(text, number)),
      }),
      (leaf) => {
        const { id, t: atMs, w, _sd: digests } = leaf;
        const made: unknown = {
          operation: leaf.op,
          outcome: leaf.out,
          status: leaf.rc,
          reason: leaf.rsn,
          vault: leaf.vlt,
          policy: leaf.pol,
          items: leaf.n,
          count: leaf.cnt,
          attributes: leaf.attr,
        };
        assert.equal(
          leafJson({ event: made as AuditEvent, id, atMs, digests, ...(w && { writer: w }) }),
          canonicalJson({ ...leaf, _sd: [...digests].sort(), v: 1 }),
        );
      },
    ),
  );
});

test('what an event does not have, its leaf does not have; a count is written when there is one', () => {
  const bare: AuditEvent = {
    operation: 'auth.fail',
    outcome: 'deny',
    status: 401,
    items: 0,
    count: 12,
    who: {},
    what: {},
  };
  assert.equal(
    leafJson({ event: bare, ...written, writer, digests: [] }),
    '{"_sd":[],"cnt":12,"id":"ad17tOA3GVe2VrdjjpfYYQ","n":0,"op":"auth.fail","out":"deny",' +
      '"rc":401,"t":1770000000001,"v":1,"w":["XS24KCX3RcmL-dZX6gEjZg",1]}',
  );
  assert.deepEqual(whoDisclosure(bare), {});
  assert.deepEqual(whatDisclosure(bare), { req: {} });
});

test('nothing personal is in the leaf: it is the same whoever asked for whatever', () => {
  const other: AuditEvent = { ...event, who: {}, what: {} };
  assert.equal(
    leafJson({ event, ...written, writer, digests: ['a'] }),
    leafJson({ event: other, ...written, writer, digests: ['a'] }),
  );
});

test('a leaf of 65,535 bytes is written, one of 65,536 is refused', () => {
  const sized = (length: number) =>
    leafJson({ event, ...written, writer, digests: ['x'.repeat(length)] });
  const room = 65_535 - sized(0).length;
  assert.equal(sized(room).length, 65_535);
  assert.throws(
    () => sized(room + 1),
    (error) => error instanceof VaultError && error.code === 'internal',
  );
  // Bytes count, not characters.
  const wide = { ...event, vault: 'é'.repeat(40_000) };
  assert.throws(() => leafJson({ event: wide, ...written, writer, digests: [] }), VaultError);
});

test('disclosures hold what is there in a fixed order, repaired to well-formed text', () => {
  assert.equal(
    JSON.stringify(whoDisclosure(event)),
    '{"actor":{"cred":"jwt:k1","iss":"https://id.example","mfa":false,"sub":"ada"},' +
      '"src":{"ip":"192.0.2.1","ua":"x\ufffd"}}',
  );
  assert.equal(
    JSON.stringify(whatDisclosure(event)),
    '{"req":{"id":"r1","purpose":"fraud-review"},"tok":["tok_2","tok_1"],"view":"full"}',
  );
});

test('canonical JSON reads back as the value, keys in the order of UTF-16 code units', () => {
  const keysOf = (text: string): string[] => {
    const order: string[] = [];
    JSON.parse(text, (key, value) => {
      order.push(key);
      return value;
    });
    return order.slice(0, -1);
  };
  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const key = fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text !== '__proto__');
  fc.assert(
    fc.property(fc.dictionary(key, scalar, { noNullPrototype: true }), (object) => {
      const text = canonicalJson(object);
      // −0 is written as 0 (RFC 8785 §3.2.2.3).
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(object)));
      const numeric = Object.keys(object).some((name) => /^\d+$/.test(name));
      assert.ok(numeric || isSorted(keysOf(text)));
      assert.ok(text.isWellFormed());
    }),
  );
});

const isSorted = (texts: string[]): boolean =>
  texts.every((text, index) => index === 0 || (texts[index - 1] ?? '') < text);

test('canonical JSON passes the example of RFC 8785 §3.2.3, and orders number-like keys as texts', () => {
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6', '10', '9'];
  const object: Json = Object.fromEntries(keys.map((key) => [key, 1]));
  assert.equal(
    canonicalJson(object),
    '{"\\r":1,"1":1,"10":1,"9":1,"\u0080":1,"\u00f6":1,"\u20ac":1,"\ud83d\ude00":1,"\ufb33":1}',
  );
});

test('canonical JSON has no lone surrogates and no absent members', () => {
  assert.equal(
    canonicalJson({ b: '\udfff', a: undefined, 'c\ud800': ['\ud800'] }),
    '{"b":"\ufffd","c\ufffd":["\ufffd"]}',
  );
});

test('attributes stand in the leaf itself, in canonical form', () => {
  const erase: AuditEvent = {
    operation: 'audit.erase',
    outcome: 'allow',
    status: 200,
    items: 0,
    attributes: { shard: '2026', label: 'who', count: 2, basis: 'Art. 17 \ud800' },
    who: {},
    what: {},
  };
  assert.equal(
    leafJson({ event: erase, ...written, writer, digests: [] }),
    '{"_sd":[],"attr":{"basis":"Art. 17 \ufffd","count":2,"label":"who","shard":"2026"},' +
      '"id":"ad17tOA3GVe2VrdjjpfYYQ","n":0,"op":"audit.erase","out":"allow","rc":200,' +
      '"t":1770000000001,"v":1,"w":["XS24KCX3RcmL-dZX6gEjZg",1]}',
  );
});

test('what a search asked for is disclosed, and not in the leaf', () => {
  const query = { token: 'tok_1', from: '2026-01-01', fields: ['a', 'b\udc00'], limit: 5 };
  const search: AuditEvent = { ...event, operation: 'audit.search', what: { query } };
  assert.deepEqual(whatDisclosure(search), {
    qry: { ...query, fields: ['a', 'b\ufffd'] },
    req: {},
  });
  assert.doesNotMatch(leafJson({ event: search, ...written, writer, digests: [] }), /tok_1|qry/);
});

test('what the log writes of itself names no writer', () => {
  const gap: AuditEvent = {
    operation: 'audit.gap',
    outcome: 'allow',
    status: 200,
    items: 0,
    attributes: { boot: 'XS24KCX3RcmL-dZX6gEjZg', from: 3, to: 5, why: 'missing' },
    who: {},
    what: {},
  };
  assert.equal(
    leafJson({ event: gap, ...written, digests: [] }),
    '{"_sd":[],"attr":{"boot":"XS24KCX3RcmL-dZX6gEjZg","from":3,"to":5,"why":"missing"},' +
      '"id":"ad17tOA3GVe2VrdjjpfYYQ","n":0,"op":"audit.gap","out":"allow","rc":200,' +
      '"t":1770000000001,"v":1}',
  );
});
