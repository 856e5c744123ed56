/** Numbers `from` to `to` inclusive; `at` is the entry that made them known as missing. */
export type Hole = { from: number; to: number; at: number };

/** What is known of one writer. */
export type WriterState = {
  /** The number that comes next. */
  next: number;
  /** Time of its last leaf, in milliseconds since the epoch. */
  lastMs: number;
  end: 'stop' | 'closed' | undefined;
  /** Missing so far; a gap leaf may still name them. */
  holes: Hole[];
};

/** Takes the next number of a writer, at this entry. False when it was there already, or comes too late. */
export function takeNumber(writer: WriterState, seq: number, at: number): boolean {
  if (seq < writer.next) {
    return false;
  }
  if (seq > writer.next) {
    writer.holes.push({ from: writer.next, to: seq - 1, at });
  }
  writer.next = seq + 1;
  return true;
}

/**
 * Takes numbers that are missing on record, before the writer goes on or after. False when they are not
 * missing.
 */
export function takeMissing(writer: WriterState, from: number, to: number): boolean {
  if (from === writer.next) {
    writer.next = to + 1;
    return true;
  }
  const { holes } = writer;
  const place = holes.findIndex((hole) => hole.from <= from && to <= hole.to);
  const hole = holes[place];
  if (hole === undefined) {
    return false;
  }
  const left = { ...hole, to: from - 1 };
  const right = { ...hole, from: to + 1 };
  holes.splice(place, 1, ...[left, right].filter((rest) => rest.from <= rest.to));
  return true;
}
