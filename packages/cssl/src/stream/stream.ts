import { ArgumentError, selectExamples, valuesPerExample, type Split } from '@ockham/core';
import type { Example } from '../image.ts';

/** An example and where it stands in its stream. */
export interface StreamExample extends Example {
  /** From 0. A stream restarted from `position + 1` goes on after this example. */
  readonly position: number;
}

/** A moment at which a learner is tested. */
export interface TestEvent {
  /** Examples seen by then, ≥ 1. */
  readonly after: number;
  /** Classes seen by then, in order of first appearance. */
  readonly classes: readonly number[];
}

/** Changes an example on its way to the learner; depends on the example and its position only. */
export type ExampleChange = (example: StreamExample) => StreamExample;

/**
 * Examples of a split in a fixed order. Iterating starts at position 0; `from(position)` goes on where an earlier
 * run stopped: the example at a position is always the same.
 */
export interface Stream extends Iterable<StreamExample> {
  /** What made it, for example `class-incremental`. */
  readonly name: string;
  /** Examples. */
  readonly size: number;
  /** Shape of one example, without the batch. */
  readonly shape: readonly number[];
  /** Classes in order of first appearance. */
  readonly classes: readonly number[];
  /** When to test, in order; the last one is after the last example. */
  readonly events: readonly TestEvent[];
  /** Row of the split that stands at each position, `[size]`. */
  readonly rows: Int32Array;
  /** Where the examples come from. */
  readonly split: Split;
  /** What is done to each example, in order. */
  readonly changes: readonly ExampleChange[];
  /** @throws ArgumentError for a position outside of [0, size). */
  at(position: number): StreamExample;
  /** @throws ArgumentError for a position outside of [0, size]; nothing comes from `size`. */
  from(position: number): Iterable<StreamExample>;
}

/** What {@link streamOf} makes a stream of. */
export interface StreamPlan {
  /** What errors and progress call it. */
  readonly name: string;
  /** Where the examples come from. */
  readonly split: Split;
  /** Rows of the split in the order of the stream, each in [0, split.size). */
  readonly rows: Int32Array;
  /** After how many examples to test, rising. Default: at the end. */
  readonly testAfter?: readonly number[];
  /** Done to each example, in order. Default none. */
  readonly changes?: readonly ExampleChange[];
}

/**
 * A stream of the examples at `rows`, in that order.
 *
 * @throws ArgumentError for a row or a test that is out of range.
 */
export function streamOf(plan: StreamPlan): Stream {
  const { name, split, rows, testAfter = [rows.length], changes = [] } = plan;
  const bad = rows.findIndex((row) => !(row >= 0 && row < split.size));
  if (rows.length === 0 || bad >= 0) {
    throw new ArgumentError(
      `${name}: a stream needs rows in [0, ${split.size - 1}], got ${rows.length === 0 ? 'none' : `${rows[bad]} at position ${bad}`}.`,
    );
  }
  const events = eventsOf(name, split, rows, testAfter);
  const at = (position: number): StreamExample => {
    checkPosition(name, position, rows.length - 1);
    return changes.reduce<StreamExample>(
      (example, change) => change(example),
      exampleAt(split, rows[position]!, position),
    );
  };
  const from = (start: number): Iterable<StreamExample> => {
    checkPosition(name, start, rows.length);
    return {
      *[Symbol.iterator]() {
        for (let position = start; position < rows.length; position++) yield at(position);
      },
    };
  };
  return {
    name,
    size: rows.length,
    shape: split.x.shape,
    classes: events.at(-1)!.classes,
    events,
    rows,
    split,
    changes,
    at,
    from,
    [Symbol.iterator]: () => from(0)[Symbol.iterator](),
  };
}

/**
 * What a learner has seen after `count` examples, as a split: what an offline twin trains on.
 *
 * @param count In [1, stream.size].
 */
export function examplesUntil(stream: Stream, count: number): Split {
  if (!Number.isInteger(count) || count < 1 || count > stream.size) {
    throw new ArgumentError(`examplesUntil: count must be in [1, ${stream.size}], got ${count}.`);
  }
  const seen = selectExamples(stream.split, stream.rows.subarray(0, count));
  if (stream.changes.length === 0) return seen;
  const width = valuesPerExample(seen.x);
  const examples = Array.from({ length: count }, (_, position) => stream.at(position));
  const bytes = examples[0]!.x instanceof Uint8Array;
  const values = bytes ? new Uint8Array(count * width) : new Float32Array(count * width);
  for (const [i, { x }] of examples.entries()) values.set(x, i * width);
  return {
    size: count,
    x: { values, shape: seen.x.shape, scale: bytes ? 1 / 255 : 1 },
    y: { values: Int32Array.from(examples, ({ y }) => y), shape: [] },
  };
}

/**
 * Checks at the door that a split can be streamed: it has examples, with one whole-numbered label each.
 *
 * @throws ArgumentError naming `who`.
 */
export function checkStreamable(who: string, split: Split): void {
  const { size, x, y } = split;
  if (!Number.isInteger(size) || size < 1) {
    throw new ArgumentError(`${who}: the split needs at least one example, got ${size}.`);
  }
  if (x.values.length !== size * valuesPerExample(x) || y.values.length !== size) {
    throw new ArgumentError(
      `${who}: each of ${size} examples needs ${valuesPerExample(x)} values and one label, got ${x.values.length} and ${y.values.length}.`,
    );
  }
  const bad = y.values.findIndex((label) => !Number.isInteger(label) || label < 0);
  if (bad >= 0) {
    throw new ArgumentError(
      `${who}: labels must be integers ≥ 0, got ${y.values[bad]} in example ${bad}. Encode classes as indexes first.`,
    );
  }
}

function exampleAt({ x, y }: Split, row: number, position: number): StreamExample {
  const width = valuesPerExample(x);
  const values = x.values.subarray(row * width, (row + 1) * width);
  const { scale = 1 } = x;
  const bytes = values instanceof Uint8Array && scale === 1 / 255;
  return { x: bytes ? values : Float32Array.from(values, (v) => v * scale), y: y.values[row]!, position };
}

function eventsOf(name: string, split: Split, rows: Int32Array, testAfter: readonly number[]): TestEvent[] {
  const seen = new Set<number>();
  const events: TestEvent[] = [];
  let position = 0;
  for (const after of testAfter) {
    if (!Number.isInteger(after) || after <= (events.at(-1)?.after ?? 0) || after > rows.length) {
      throw new ArgumentError(
        `${name}: tests must be after rising numbers of examples in [1, ${rows.length}], got ${testAfter.join(', ')}.`,
      );
    }
    for (; position < after; position++) seen.add(split.y.values[rows[position]!]!);
    events.push({ after, classes: [...seen] });
  }
  if (position < rows.length) {
    for (; position < rows.length; position++) seen.add(split.y.values[rows[position]!]!);
    events.push({ after: rows.length, classes: [...seen] });
  }
  return events;
}

function checkPosition(name: string, position: number, last: number): void {
  if (Number.isInteger(position) && position >= 0 && position <= last) return;
  throw new ArgumentError(`${name}: the position must be an integer in [0, ${last}], got ${position}.`);
}
