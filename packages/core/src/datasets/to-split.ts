import { Tensor, tensor } from '@tensorflow/tfjs-core';
import type { TensorLike } from '@tensorflow/tfjs-core';
import type { Column, Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';

/** Data of your own: a tensor, or nested arrays, the examples along the first axis. */
export type SplitSource = Tensor | TensorLike;

/** How to read the targets. */
export interface ToSplitOptions {
  /** `y` is one-hot, `[n, classes]`, and becomes class indexes. Default false. */
  readonly oneHot?: boolean;
}

/**
 * Makes a split of tensors or nested arrays, copied; tensors stay the caller's.
 *
 * Targets that are whole numbers, one for each example (`y` of shape `[n]`), become class indexes; all others
 * stay real numbers.
 *
 * @param x `[n, ...]`.
 * @param y `[n]` for class indexes, `[n, ...]` for real targets, `[n, classes]` with `oneHot`.
 * @throws ArgumentError where the numbers of examples differ, there are none, or `y` is not one-hot.
 */
export async function toSplit(
  x: SplitSource,
  y: SplitSource,
  { oneHot = false }: ToSplitOptions = {},
): Promise<Split> {
  const [inputs, targets] = await Promise.all([read(x, 'x'), read(y, 'y')]);
  if (inputs.size !== targets.size || inputs.size === 0) {
    throw new ArgumentError(
      `toSplit: x and y must have the same number of examples along their first axis, at least one; got ` +
        `${inputs.size} and ${targets.size}.`,
    );
  }
  const column = oneHot ? fromOneHot(targets.column) : toLabels(targets.column);
  return {
    size: inputs.size,
    x: { ...inputs.column, values: Float32Array.from(inputs.column.values) },
    y: column,
  };
}

async function read(source: SplitSource, name: string): Promise<{ size: number; column: Column }> {
  const whole = source instanceof Tensor ? source : tensor(source);
  try {
    const [size, ...shape] = whole.shape;
    if (size === undefined)
      throw new ArgumentError(`toSplit: ${name} needs an axis of examples, got a scalar.`);
    return { size, column: { values: (await whole.data()).slice(), shape } };
  } finally {
    if (whole !== source) whole.dispose();
  }
}

function toLabels(column: Column): Column {
  const { values, shape } = column;
  if (shape.length > 0 || !values.every((value) => Number.isInteger(value))) {
    return { shape, values: Float32Array.from(values) };
  }
  return { shape, values: Int32Array.from(values) };
}

function fromOneHot({ values, shape }: Column): Column {
  const [classes = 0] = shape;
  if (shape.length !== 1 || classes === 0) {
    throw new ArgumentError(`toSplit: with oneHot, y must be [n, classes], got [n, ${shape.join(', ')}].`);
  }
  const labels = new Int32Array(values.length / classes);
  for (let row = 0; row < labels.length; row++) {
    const rowValues = values.subarray(row * classes, (row + 1) * classes);
    labels[row] = rowValues.indexOf(1);
    if (labels[row]! >= 0 && rowValues.every((value, i) => value === (i === labels[row] ? 1 : 0))) continue;
    throw new ArgumentError(
      `toSplit: with oneHot, each row of y must hold one 1 and zeros, got [${rowValues.join(', ')}] in example ${row}.`,
    );
  }
  return { values: labels, shape: [] };
}
