import type { Problem } from '../errors.ts';
import { compilePattern } from '../values/pattern.ts';
import { compileCidr } from './cidr.ts';
import type { RequireDocument } from './document.ts';
import { findZone } from './hours.ts';
import type { Hours, Requirement } from './policy.ts';
import { findDuplicates, joinPath } from './read.ts';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

type Place = { path: string; problems: Problem[] };

/** Compiles what a grant demands; what is wrong with it joins `problems`. Absent demands nothing. */
export function compileRequirement(part: RequireDocument = {}, place: Place): Requirement {
  const { purpose, mfa, approval, maxItems } = part;
  const reference = compileReference(part, place);
  const hours = compileHours(part, place);
  const sourceIps = compileSourceIps(part, place);
  return {
    ...(purpose && { purpose }),
    ...(mfa && { mfa }),
    ...(reference && { reference }),
    ...(approval && { approvals: approval === true ? 1 : approval.n }),
    ...(hours && { hours }),
    ...(sourceIps && { sourceIps }),
    ...(maxItems !== undefined && { maxItems }),
  };
}

function compileReference({ reference }: RequireDocument, { path, problems }: Place) {
  const matches = reference === undefined ? undefined : compilePattern(reference);
  if (reference !== undefined && matches === undefined) {
    const hint = 'RE2 syntax, at most 1,000 characters; it matches the whole reference';
    problems.push({ path: `${path}.reference`, rule: 'pattern_invalid', hint });
  }
  return matches;
}

function compileHours({ hours }: RequireDocument, { path, problems }: Place): Hours | undefined {
  if (hours === undefined) {
    return undefined;
  }
  const at = `${path}.hours`;
  // The document's schema has refused an unknown one.
  const zone = findZone(hours.zone);
  const [fromMinute, toMinute] = [minuteOf(hours.from), minuteOf(hours.to)];
  if (fromMinute === toMinute) {
    const hint = 'differs from `from`; the whole day is 00:00 to 24:00';
    problems.push({ path: `${at}.to`, rule: 'hours_empty', hint });
  }
  problems.push(...findDuplicates(hours.days, `${at}.days`));
  const days = hours.days.map((day) => DAYS.indexOf(day) + 1);
  return zone === undefined ? undefined : { days, fromMinute, toMinute, zone };
}

function minuteOf(clockTime: string): number {
  const [hour, minute] = clockTime.split(':').map(Number);
  return (hour ?? 0) * 60 + (minute ?? 0);
}

function compileSourceIps({ sourceIps }: RequireDocument, { path, problems }: Place) {
  if (sourceIps === undefined) {
    return undefined;
  }
  const at = `${path}.sourceIps`;
  problems.push(...findDuplicates(sourceIps, at));
  const networks = sourceIps.flatMap((text, index) => {
    const network = compileCidr(text);
    if (network === undefined) {
      const hint = 'an address or network, as in 10.0.0.0/8 or 2001:db8::/32';
      problems.push({ path: joinPath(at, [index]), rule: 'cidr_invalid', hint });
    }
    return network === undefined ? [] : [network];
  });
  return (ip: string) => networks.some((covers) => covers(ip));
}
