/** Who calls, as the credential's verifier established it. Nothing here comes from the request body. */
export type Principal = {
  /** The credential's subject (`sub`): a service or a person. Personal data: never logged in clear. */
  subject: string;
  /** Where the subject was vouched for: the token's issuer. */
  issuer: string;
  roles: readonly string[];
  /** Vaults that the credential names; `*` is all of them. */
  vaults: readonly string[] | '*';
  /** True when the credential proves a second factor (DESIGN §11). */
  mfa: boolean;
  /** Which credential it was (`jwt:<key id>`), for the audit log. */
  credential: string;
};

/** Where a request came from, for audit and for `sourceIps` conditions. */
export type Source = { ip: string; userAgent?: string };
