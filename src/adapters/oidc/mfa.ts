/** Authentication methods by factor class (RFC 8176 §2; `pop` proves a key, but not where it lives). */
const FACTORS: ReadonlyMap<string, 'knowledge' | 'possession' | 'inherence'> = new Map([
  ['pwd', 'knowledge'],
  ['pin', 'knowledge'],
  ['kba', 'knowledge'],
  ['hwk', 'possession'],
  ['swk', 'possession'],
  ['otp', 'possession'],
  ['sms', 'possession'],
  ['tel', 'possession'],
  ['sc', 'possession'],
  ['face', 'inherence'],
  ['fpt', 'inherence'],
  ['iris', 'inherence'],
  ['retina', 'inherence'],
  ['vbm', 'inherence'],
] as const);

/**
 * True when the claims prove a second factor (DESIGN §11): `amr` says so or names two factor classes
 * (two passwords are one class), or `acr` is a level that the operator trusts for it.
 */
export function provesMfa(claims: {
  amr: readonly string[];
  acr: string | undefined;
  trustedAcr: ReadonlySet<string>;
}): boolean {
  const { amr, acr, trustedAcr } = claims;
  const classes = new Set(amr.map((method) => FACTORS.get(method)).filter(Boolean));
  return amr.includes('mfa') || classes.size >= 2 || (acr !== undefined && trustedAcr.has(acr));
}
