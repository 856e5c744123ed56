import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy } from './compile.ts';

const warningsOf = (field: object, grants: object[] = []) =>
  compilePolicy({
    apiVersion: 'counterfoil/v1',
    vault: 'demo',
    purposes: ['care'],
    fields: { f: { class: 'direct', ...field } },
    roles: { all: grants },
  }).warnings.map(({ path, rule }) => `${path} ${rule}`);

test('a keyed digest of few values, and deterministic tokens of which there are few, are warned of', () => {
  const views = { h: { mask: 'hash' } };
  assert.deepEqual(warningsOf({ type: 'date', views }), ['fields.f.views.h values_too_few']);
  assert.deepEqual(warningsOf({ type: 'email', views }), []);
  const digits = (keepFirst: number) => ({
    type: 'digits',
    length: 7,
    token: { mode: 'deterministic', format: 'digits', keepFirst },
  });
  assert.deepEqual(warningsOf(digits(4)), ['fields.f.token tokens_too_few']);
  assert.deepEqual(warningsOf(digits(3)), []);
});

test('a limit beside an action that it does not bind is warned of, and so is who applies and exports', () => {
  const grant = { fields: '*', views: '*', require: { purpose: true } };
  assert.deepEqual(
    warningsOf({ type: 'text' }, [{ ...grant, allow: ['detokenize', 'subject.export'] }]),
    ['roles.all[0].require without_effect'],
  );
  assert.deepEqual(warningsOf({ type: 'text' }, [{ ...grant, allow: ['detokenize'] }]), []);
  assert.deepEqual(warningsOf({ type: 'text' }, [{ allow: ['policy.apply', 'vault.export'] }]), [
    'roles.all applies_and_reveals',
  ]);
});
