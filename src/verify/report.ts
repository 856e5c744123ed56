import type { Cosignature } from '../tlog/open-by-policy.ts';
import type { CheckName, Finding } from './findings.ts';

/** Content that is gone with an explanation that is itself proved. */
export type Explained = {
  why: 'erased' | 'key destroyed' | 'pruned';
  label?: 'who' | 'what';
  entries: number;
  /** `leaf #9`, or `leaf #9 of <origin>` when it is in another shard. */
  by: string;
};

/** Writers at the end of the log. */
export type WriterSummary = {
  seen: number;
  /** Stopped, or given up and closed. */
  ended: number;
  /** Still at work; `next` is the number that they will use next. */
  open: { boot: string; next: number }[];
};

/** What `log.open` cites. */
export type Opening = {
  /** Verifier keys, as the log announced them. */
  vkeys: string[];
  previous?: { origin: string; size: number; root: string };
  /** Writers that go on from the shard before, with their next numbers. */
  writers: { [boot: string]: number };
};

/** What a verification found, for people and programs. */
export type Report = {
  /** Absent when no checkpoint could be believed: then nothing else was checked. */
  log?: {
    origin: string;
    /** Last part of the origin. */
    shard: string;
    size: number;
    /** Base64. */
    root: string;
    state: 'active' | 'frozen';
    cosignatures: Cosignature[];
  };
  /** What was checked, and how many of them. */
  checked: { check: CheckName; count: number; of: string }[];
  /** What was not, and why. */
  unchecked: { check: CheckName; why: string }[];
  findings: Finding[];
  explained: Explained[];
  opening?: Opening;
  writers?: WriterSummary;
};

/** True when nothing failed and no events are missing. Notices do not count. */
export function isClean({ findings }: Report): boolean {
  return findings.every(({ severity }) => severity === 'notice');
}
