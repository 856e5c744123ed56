import type { Hours } from './policy.ts';

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const MINUTE_MS = 60_000;

/** Wall-clock time: day 1 (Monday) to 7, minutes after midnight. */
type LocalTime = { day: number; minute: number };

/** One per zone: making a formatter costs a thousand times what using it does. */
const clocks = new Map<string, (atMs: number) => LocalTime>();

/**
 * The canonical name of an IANA time zone, or `undefined` if there is none of that name. Fixed offsets
 * (`+01:00`) are no zones: they are wrong for half of the year wherever clocks change.
 */
export function findZone(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) {
    return undefined;
  }
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/**
 * True when the moment (epoch milliseconds) lies in the window, by the wall clock of its zone. `to` is
 * exclusive. A window over midnight belongs to the day on which it starts: Friday 22:00 to 06:00
 * includes Saturday 05:59. Throws a RangeError when the moment or the zone is none.
 */
export function isWithinHours(hours: Hours, atMs: number): boolean {
  const { day, minute } = localTime(hours.zone, atMs);
  const { days, fromMinute, toMinute } = hours;
  if (fromMinute < toMinute) {
    return days.includes(day) && minute >= fromMinute && minute < toMinute;
  }
  const yesterday = day === 1 ? 7 : day - 1;
  return minute >= fromMinute ? days.includes(day) : days.includes(yesterday) && minute < toMinute;
}

function localTime(zone: string, atMs: number): LocalTime {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = makeClock(zone);
    clocks.set(zone, clock);
  }
  return clock(atMs);
}

/** Remembers the last minute: a batch asks a thousand times. Offsets of today are whole minutes. */
function makeClock(zone: string): (atMs: number) => LocalTime {
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  let lastMinute = Number.NaN;
  let last: LocalTime = { day: 0, minute: 0 };
  return (atMs) => {
    const minute = Math.floor(atMs / MINUTE_MS);
    if (minute !== lastMinute) {
      last = readParts(formatter.formatToParts(atMs));
      lastMinute = minute;
    }
    return last;
  };
}

function readParts(parts: readonly Intl.DateTimeFormatPart[]): LocalTime {
  const find = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return {
    day: WEEKDAYS.indexOf(find('weekday')) + 1,
    minute: Number(find('hour')) * 60 + Number(find('minute')),
  };
}
