import { ArgumentError } from './errors.ts';

/** Values of one input or target for every example, row-major; example `i` starts at `i * product(shape)`. */
export interface Column {
  /** `[examples, …shape]`, row-major. */
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Shape of one example, without the batch: `[28, 28, 1]` for an image, `[]` for a class index. */
  readonly shape: readonly number[];
  /** A model sees `value * scale`; 1/255 for images kept as bytes. Default 1. */
  readonly scale?: number;
}

/** Examples in memory. Row `i` of `x` belongs to row `i` of `y`. */
export interface Split {
  /** Number of examples. */
  readonly size: number;
  /** Inputs. */
  readonly x: Column;
  /** Class indexes (`Int32Array`, shape `[]`) for classification, or real targets of any shape. */
  readonly y: Column;
}

/** Where data came from; goes into every result file. */
export interface Provenance {
  /** `folder`, `cache`, `download`, `embedded-sample`, `synthetic` or `memory`. */
  readonly source: 'folder' | 'cache' | 'download' | 'embedded-sample' | 'synthetic' | 'memory';
  /** SHA-256 of each file that was read, by file name. */
  readonly checksums: Readonly<Record<string, string>>;
  /** What a reader of a figure must know, for example that pixels went through JPEG. */
  readonly note?: string;
}

/** A named train and test split. */
export interface Dataset {
  /** The name of the data set, such as `mnist`. */
  readonly name: string;
  /** Examples to train on. */
  readonly train: Split;
  /** Examples that training never sees. */
  readonly test: Split;
  /** Class names, `classes[label]`; empty for regression. */
  readonly classes: readonly string[];
  /** Where the data came from, and its checksums. */
  readonly provenance: Provenance;
}

/** Number of values in one example of a column. */
export function valuesPerExample(column: Column): number {
  return column.shape.reduce((product, d) => product * d, 1);
}

/**
 * Checks a split at the door: not empty, lengths that agree, finite inputs, and, where `classes` is given,
 * integer labels in `[0, classes)`, of `labelShape` for each example.
 *
 * @param labelShape `[]`, the default, for one class per example; `[steps]` for one per step of a sequence.
 * @throws ArgumentError naming `who`, the first offending example and what to do.
 */
export function checkSplit(
  who: string,
  split: Split,
  classes?: number,
  labelShape: readonly (number | null)[] = [],
): void {
  if (!Number.isInteger(split.size) || split.size < 1) {
    throw new ArgumentError(
      `${who}: the data needs at least one example, got ${split.size}. Check that the split was loaded.`,
    );
  }
  for (const [name, column] of [
    ['x', split.x],
    ['y', split.y],
  ] as const) {
    const expected = split.size * valuesPerExample(column);
    if (column.values.length !== expected) {
      throw new ArgumentError(
        `${who}: ${name} must hold ${split.size} examples of [${column.shape.join(', ')}] = ${expected} values, got ${column.values.length}.`,
      );
    }
    if (column.values instanceof Float32Array) {
      const bad = column.values.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0) {
        const example = Math.floor(bad / Math.max(1, valuesPerExample(column)));
        throw new ArgumentError(
          `${who}: ${name} must be finite, got ${column.values[bad]} in example ${example}. Remove or impute such examples first.`,
        );
      }
    }
  }
  if (classes === undefined) return;
  const { values: labels, shape } = split.y;
  // [1] or one-hot would broadcast against the outputs, to a loss that means nothing
  if (shape.length !== labelShape.length || labelShape.some((d, i) => d !== null && d !== shape[i])) {
    throw new ArgumentError(
      `${who}: labels must be class indexes of shape [${labelShape.join(', ')}] for each example, got [${shape.join(', ')}]. Reshape them; one-hot targets become class indexes with toSplit(x, y, { oneHot: true }).`,
    );
  }
  const bad = labels.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (bad >= 0) {
    throw new ArgumentError(
      `${who}: labels must be integers in [0, ${classes - 1}], one for each of the model's ${classes} outputs; got ${labels[bad]} in example ${bad}.`,
    );
  }
}

/** The first `size` examples of a split, without copying. */
export function takeExamples(split: Split, size: number): Split {
  const count = Math.min(size, split.size);
  const take = (column: Column): Column => ({
    ...column,
    values: column.values.subarray(0, count * valuesPerExample(column)),
  });
  return { size: count, x: take(split.x), y: take(split.y) };
}

/** The examples at `indexes`, in that order, copied. */
export function selectExamples(split: Split, indexes: ArrayLike<number>): Split {
  const select = (column: Column): Column => {
    const width = valuesPerExample(column);
    const values = new (column.values.constructor as Float32ArrayConstructor)(indexes.length * width);
    for (let row = 0; row < indexes.length; row++) {
      const from = indexes[row]! * width;
      values.set(column.values.subarray(from, from + width), row * width);
    }
    return { ...column, values };
  };
  return { size: indexes.length, x: select(split.x), y: select(split.y) };
}
