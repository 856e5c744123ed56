import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileCidr } from './cidr.ts';

const covers = (cidr: string, ip: string) => {
  const test = compileCidr(cidr);
  assert.ok(test, `${cidr} is a network`);
  return test(ip);
};

test('a network covers its addresses and no others', () => {
  const inside: [string, string][] = [
    ['10.0.0.0/8', '10.255.255.255'],
    ['10.1.2.3/8', '10.0.0.0'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['192.168.1.7', '192.168.1.7'],
    ['192.168.1.7/32', '192.168.1.7'],
    ['2001:db8::/32', '2001:0DB8:ffff::1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::/0', 'fe80::1%eth0'],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:2ff'],
  ];
  const outside: [string, string][] = [
    ['10.0.0.0/8', '11.0.0.0'],
    ['192.168.1.7', '192.168.1.8'],
    ['192.168.0.0/23', '192.168.2.0'],
    ['2001:db8::/32', '2001:db9::'],
    ['::1', '::2'],
  ];
  assert.deepEqual(
    inside.filter(([cidr, ip]) => !covers(cidr, ip)),
    [],
  );
  assert.deepEqual(
    outside.filter(([cidr, ip]) => covers(cidr, ip)),
    [],
  );
});

test('IPv4-mapped IPv6 is IPv4 on both sides, and IPv6 networks never cover IPv4 otherwise', () => {
  assert.equal(covers('10.0.0.0/8', '::ffff:10.1.2.3'), true);
  assert.equal(covers('10.0.0.0/8', '::FFFF:0a01:0203'), true);
  assert.equal(covers('10.0.0.0/8', '::ffff:11.1.2.3'), false);
  assert.equal(covers('::ffff:10.0.0.0/104', '10.1.2.3'), true);
  assert.equal(covers('::ffff:0:0/96', '203.0.113.9'), true);
  for (const wide of ['::/0', '::/80', '::ffff:0:0/95']) {
    assert.equal(covers(wide, '10.1.2.3'), false, wide);
    assert.equal(covers(wide, '::ffff:10.1.2.3'), false, wide);
  }
  assert.equal(covers('0.0.0.0/0', '::1'), false);
});

test('what is no address or network is refused', () => {
  const bad = ['', '/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/', '10.0.0/8', '*'];
  const worse = ['010.0.0.1', '256.0.0.1', '1.2.3.4.5', '10.0.0.0/8/8', ' 10.0.0.1', '10.0.0.1\n'];
  const six = ['::/129', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', 'g::'];
  const mixed = [
    '1.2.3.4::',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    ':1::',
    '::ffff:1.2.3.4:1',
    '1:2:3:4:5:6:7:8::',
  ];
  for (const text of [...bad, ...worse, ...six, ...mixed, 'example.com', 'fe80::1%eth0/64']) {
    assert.equal(compileCidr(text), undefined, JSON.stringify(text));
  }
});

test('an address that is none throws: it is neither inside nor outside', () => {
  for (const ip of ['', 'unknown', '10.0.0', '10.0.0.0/8', '::ffff:1.2.3.4.5']) {
    assert.throws(() => covers('0.0.0.0/0', ip), { name: 'VaultError' });
  }
});

test('every address is in each of its own prefixes, whichever way it is written', () => {
  const bits = (ip: readonly number[], prefix: number) => `${ip.join('.')}/${prefix}`;
  fc.assert(
    fc.property(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), fc.nat(32), (ip, prefix) => {
      const hex = ip.map((octet) => octet.toString(16).padStart(2, '0')).join('');
      assert.equal(covers(bits(ip, prefix), ip.join('.')), true);
      assert.equal(covers(bits(ip, prefix), `::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`), true);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(128), (ip, prefix) => {
      fc.pre(!/^(0*:)*:?(0*:)*f{4}:/i.test(ip));
      assert.equal(covers(`${ip}/${prefix}`, ip), true);
    }),
  );
});
