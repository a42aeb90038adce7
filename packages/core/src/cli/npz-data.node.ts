import { valuesPerExample, type Column, type Split } from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { NamedArray } from '../files/named-array.ts';
import { readNpz } from '../files/npz.ts';
import type { SplitPair } from './open-data.node.ts';

/** The names that arrays may have: training inputs and targets, then those of the test split. */
const NAMES: readonly (readonly [string, string, string?, string?])[] = [
  ['x_train', 'y_train', 'x_test', 'y_test'],
  ['x', 'y'],
];

/**
 * Splits from the arrays of an `.npz` archive. Whole numbers in `y`, one for each example, are class indexes; rows of one 1
 * and zeros become such; other targets stay real.
 *
 * @throws DataError `corrupt-file` where names or shapes do not fit.
 */
export async function npzData(bytes: Uint8Array, who: string, scale = 1): Promise<SplitPair> {
  const arrays = await readNpz(bytes, who);
  const names = NAMES.find(([x, y]) => arrays.has(x) && arrays.has(y));
  if (!names)
    throw new DataError(
      'corrupt-file',
      `${who}: it must hold x_train and y_train (and x_test, y_test), or x and y; got ${[...arrays.keys()].join(', ') || 'none'}. Save them with np.savez.`,
    );
  const [x, y, testX, testY] = names;
  const split = (inputs: string, targets: string) =>
    splitOf(arrays.get(inputs)!, arrays.get(targets)!, `${who}: ${inputs} and ${targets}`, scale);
  const test =
    testX !== undefined && testY !== undefined && arrays.has(testX) && arrays.has(testY)
      ? split(testX, testY)
      : undefined;
  return { train: split(x, y), ...(test && { test }) };
}

function splitOf(x: NamedArray, y: NamedArray, who: string, scale: number): Split {
  const size = x.shape[0];
  if (size === undefined || size === 0 || y.shape[0] !== size)
    throw new DataError(
      'corrupt-file',
      `${who} must have the same number of examples along their first axis, at least one; got [${x.shape.join(', ')}] and [${y.shape.join(', ')}].`,
    );
  const inputs: Column = { values: plain(x), shape: x.shape.slice(1), ...(scale !== 1 && { scale }) };
  return { size, x: inputs, y: targetsOf({ values: plain(y), shape: y.shape.slice(1) }, size) };
}

/** Targets as class indexes where they are some. */
export function targetsOf(column: Column, size: number): Column {
  const { values, shape } = column;
  const width = valuesPerExample(column);
  const whole = values.every((value) => Number.isInteger(value) && value >= 0);
  if (width === 1 && whole) return { values: Int32Array.from(values), shape: [] };
  if (shape.length === 1 && width > 1 && whole) {
    const labels = new Int32Array(size);
    const oneHot = labels.every((_, row) => {
      const part = values.subarray(row * width, (row + 1) * width);
      labels[row] = part.indexOf(1);
      return labels[row] >= 0 && part.every((value, i) => value === Number(i === labels[row]));
    });
    if (oneHot) return { values: labels, shape: [] };
  }
  return { values: Float32Array.from(values), shape };
}

function plain({ values }: NamedArray): Column['values'] {
  if (values instanceof Uint8Array || values instanceof Int32Array || values instanceof Float32Array)
    return values;
  return Float32Array.from(values as Iterable<number | bigint>, Number);
}
