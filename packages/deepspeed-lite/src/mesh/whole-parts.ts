/** Which part of which tensor of the whole model a rank's variables are. */
import { variableOf } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Program } from '../program/cut-model.ts';
import type { SplitModel } from '../tensor/split-model.ts';

/** A part of a tensor: [begin, end) of one axis, or all of it. */
export interface TensorPart {
  readonly shape: readonly number[];
  readonly axis?: number;
  readonly begin: number;
  readonly end: number;
}

/** Where a rank's variable belongs. */
export interface WholePart extends TensorPart {
  /** The variable of the whole model. */
  readonly whole: Variable;
}

/** The parts that the variables of a rank's program are. Without a split model every variable is itself. */
export function wholeParts(
  model: LayersModel,
  { variables, state }: Pick<Program, 'variables' | 'state'>,
  split?: SplitModel,
): ReadonlyMap<Variable, WholePart> {
  if (!split)
    return new Map(
      [...variables, ...state].map((whole) => [whole, { whole, shape: whole.shape, begin: 0, end: 0 }]),
    );
  const weights = split.model.layers.flatMap((layer) => layer.weights).map(variableOf);
  return new Map(
    split.parts.map(({ layer, weight, ...part }, i) => [
      weights[i]!,
      { ...part, whole: variableOf(model.getLayer(layer).weights[weight]!) },
    ]),
  );
}

/** Calls `work` with every run of elements of a part that lie side by side in the whole as well, in [from, to) of the part. */
export function eachRun(
  { shape, axis, begin, end }: TensorPart,
  from: number,
  to: number,
  work: (inPart: number, inWhole: number, length: number) => void,
): void {
  if (axis === undefined) {
    work(from, from, to - from);
    return;
  }
  const inner = shape.slice(axis + 1).reduce((product, d) => product * d, 1);
  const width = (end - begin) * inner;
  for (let at = from; at < to;) {
    const row = Math.floor(at / width);
    const next = Math.min(to, (row + 1) * width);
    work(at, (row * shape[axis]! + begin) * inner + (at - row * width), next - at);
    at = next;
  }
}

/** The values of a part, from the whole. */
export function takePart(part: TensorPart, whole: Float32Array): Float32Array {
  const { shape, axis, begin, end } = part;
  if (axis === undefined) return whole.slice();
  const size = (whole.length / shape[axis]!) * (end - begin);
  const values = new Float32Array(size);
  eachRun(part, 0, size, (inPart, inWhole, length) =>
    values.set(whole.subarray(inWhole, inWhole + length), inPart),
  );
  return values;
}
