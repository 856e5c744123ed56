import { brokenStreams, refusedImports } from './canary-lines.ts';
import {
  brokenBodies,
  invalidValues,
  oddHeaders,
  oddTargets,
  type Planting,
  refusedCalls,
  unknownMembers,
  wrongMembers,
} from './canary-requests.ts';
import type { CanaryKind } from './canary-values.ts';

/** Requests that are refused, malformed or unknown, or that carry secrets where nobody looks. */
export function wrongRequests(make: (kind: CanaryKind) => string): Planting[] {
  return [
    invalidValues,
    wrongMembers,
    unknownMembers,
    brokenBodies,
    oddTargets,
    oddHeaders,
    refusedCalls,
    brokenStreams,
    refusedImports,
  ].flatMap((plant) => plant(make));
}
