import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provesMfa } from './mfa.ts';

const proves = (amr: readonly string[], acr?: string) =>
  provesMfa({ amr, acr, trustedAcr: new Set(['strong']) });

test('two factor classes are two factors, whichever methods stand for them', () => {
  assert.equal(proves(['pwd', 'hwk']), true);
  assert.equal(proves(['pin', 'fpt']), true);
  assert.equal(proves(['otp', 'face']), true);
});

test('two methods of one class are one factor', () => {
  assert.equal(proves(['pwd', 'pin', 'kba']), false);
  assert.equal(proves(['otp', 'sms', 'hwk']), false);
  assert.equal(proves(['face', 'iris']), false);
});

test('methods that say nothing of a factor add none', () => {
  assert.equal(proves(['pwd', 'user', 'geo', 'wia', 'pop', 'mca', 'rba', 'OTP', 'unknown']), false);
  assert.equal(proves([]), false);
});

test('the issuer may vouch for it as such, by amr or by a trusted acr', () => {
  assert.equal(proves(['mfa']), true);
  assert.equal(proves([], 'strong'), true);
  assert.equal(proves([], 'Strong'), false);
});
