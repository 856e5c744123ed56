import { stringify } from 'csv-stringify/sync';
import type { EventView } from '../../domain/audit/event-view.ts';

/** The columns of a CSV export, in the order of a search's answer. */
const COLUMNS: readonly [name: string, cell: (view: EventView) => unknown][] = [
  ['id', ({ id }) => id],
  ['index', ({ index }) => index],
  ['shard', ({ shard }) => shard],
  ['time', ({ time }) => time],
  ['action', ({ action }) => action],
  ['outcome', ({ outcome }) => outcome],
  ['status', ({ status }) => status],
  ['reason', ({ reason }) => reason],
  ['vault', ({ vault }) => vault],
  ['policy', ({ policy }) => policy],
  ['items', ({ items }) => items],
  ['count', ({ count }) => count],
  ['attributes', ({ attributes }) => attributes],
  ['actor', ({ actor }) => actor?.subject],
  ['issuer', ({ actor }) => actor?.issuer],
  ['credential', ({ actor }) => actor?.credential],
  ['mfa', ({ actor }) => actor?.mfa],
  ['source', ({ source }) => source?.ip],
  ['userAgent', ({ source }) => source?.userAgent],
  ['tokens', ({ tokens }) => tokens],
  ['fields', ({ fields }) => fields],
  ['view', ({ view }) => view],
  ['purpose', ({ purpose }) => purpose],
  ['reference', ({ reference }) => reference],
  ['requestId', ({ requestId }) => requestId],
  ['query', ({ query }) => query],
  ['erased', ({ erased }) => erased],
];

/** What would break a line, steer a terminal or turn the direction of reading. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** Spreadsheets of many countries split at semicolons although the file says comma: a cell begins behind one. */
const HIDDEN_FORMULA = /;(?=["'\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])/u;
const HARMFUL = new RegExp(`${UNFIT.source}|${HIDDEN_FORMULA.source}`, 'gu');

/** The first line: the names of the columns. */
export function csvHeader(): string {
  return renderRecords([COLUMNS.map(([name]) => name)]);
}

/**
 * One event a line (RFC 4180), for spreadsheets: lists are separated by blanks, objects are JSON, and a text
 * that a spreadsheet would run as a formula gets an apostrophe in front. Who needs each text exactly as it
 * was takes the native format.
 */
export function renderCsv(views: readonly EventView[]): string {
  return renderRecords(views.map((view) => COLUMNS.map(([, cell]) => cellText(cell(view)))));
}

function renderRecords(records: readonly (readonly string[])[]): string {
  return stringify([...records], { escape_formulas: true, record_delimiter: 'windows' });
}

function cellText(value: unknown): string {
  if (value === undefined) {
    return '';
  }
  if (Array.isArray(value)) {
    return harmless(value.join(' '));
  }
  return harmless(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

function harmless(text: string): string {
  return text.replaceAll(HARMFUL, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`);
}
