import type { InspectOutput, Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { findPermitted } from './steps/reveal.ts';
import { openMetadata } from './steps/sealing.ts';

/** Tells what is known of a token, its metadata included, but not its value. */
export function makeInspect(deps: OperationDeps): Operations['inspect'] {
  return (call, { token }) => {
    const subject = { action: 'token.inspect', items: 1, tokens: [token] } as const;
    return audited(deps, call, subject, async (session) => {
      checkAction(session, { action: 'token.inspect', items: 1, atMs: deps.clock.now() });
      const ask = { action: 'token.inspect', token, items: 1 } as const;
      const { row, field } = await findPermitted(deps, session, ask);
      const metadata = openMetadata(session, row);
      const output: InspectOutput = {
        field: field.name,
        createdAt: row.createdAt.toISOString(),
        ...(row.expiresAt === undefined ? {} : { expiresAt: row.expiresAt.toISOString() }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      return { output, fates: [{ token, field: field.name }] };
    });
  };
}
