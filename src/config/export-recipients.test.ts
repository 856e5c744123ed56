import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, loadConfig } from './load-config.ts';

const RECIPIENT = `age1${'q'.repeat(58)}`;
const SECRET = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;

const recipientsOf = (text: string) =>
  loadConfig({ COUNTERFOIL_EXPORT_RECIPIENTS: text }, 'dev').exportRecipients;

test('exports are for nobody unless recipients are named', () => {
  assert.deepEqual(loadConfig({}, 'dev').exportRecipients, []);
  assert.deepEqual(recipientsOf(`${RECIPIENT}, ${RECIPIENT}`), [RECIPIENT, RECIPIENT]);
});

test('what is no public key is refused, a secret one without being quoted', () => {
  for (const text of [SECRET, 'age1', 'age1!', `${RECIPIENT},x`, RECIPIENT.toUpperCase()]) {
    assert.throws(
      () => recipientsOf(text),
      (error) =>
        error instanceof ConfigError &&
        /^ {2}COUNTERFOIL_EXPORT_RECIPIENTS must be/m.test(error.message) &&
        !error.message.includes(SECRET),
    );
  }
});
