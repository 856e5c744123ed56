import { eraseReply, subjectBody } from '../schemas/subjects.ts';
import { defineVaultRoute } from '../vault-route.ts';

const RECEIPT = [
  'counterfoil.example.com/audit/erasures',
  'vault demo',
  'person QFnEinflY6vmV4eT7Zl5lm/J07Ww41jcKlK7G3sSZk8=',
  'tokens 3',
  'time 2026-03-01T09:30:00.000Z',
  'event taijRVUmR989YtnYtK720g',
  '',
  '\u2014 counterfoil.example.com/audit/erasures NYsP122K…',
  '',
].join('\n');

export const subjectsEraseRoute = defineVaultRoute({
  path: '/subjects/erase',
  operationId: 'eraseSubject',
  summary: 'Erase a person',
  description:
    'Removes the links to the person, the tokens that nobody else is linked to, and the secret that the ' +
    'values of random fields are sealed under. A person who is not known is erased just the same. The receipt is ' +
    'a signed note (C2SP signed-note); `GET /v1/audit/erasures/vkey` has the key that verifies it.',
  body: subjectBody,
  reply: eraseReply,
  errors: [],
  example: {
    body: { subject: 'customer-17' },
    reply: { erased: 3, receipt: RECEIPT },
  },
  operation: (operations) => operations.eraseSubject,
});
