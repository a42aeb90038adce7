/** Values of one weight outside of any engine, row-major. */
export interface WeightValues {
  /** Sizes of the axes; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The numbers, row-major. */
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Keeps the given positions of one axis, in that order. */
export function keepPositions(
  weight: WeightValues,
  axis: number,
  positions: readonly number[],
): WeightValues {
  const { shape, values } = weight;
  const length = shape[axis]!;
  if (positions.length === length) return weight;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const kept = values.slice(0, outer * positions.length * inner);
  let to = 0;
  for (let block = 0; block < outer; block++) {
    for (const position of positions) {
      const from = (block * length + position) * inner;
      kept.set(values.subarray(from, from + inner), to);
      to += inner;
    }
  }
  return { shape: shape.with(axis, positions.length), values: kept };
}

/** A copy with zeros at the given positions of one axis. */
export function zeroPositions(
  weight: WeightValues,
  axis: number,
  positions: readonly number[],
): WeightValues {
  const { shape } = weight;
  const length = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const values = weight.values.slice();
  for (let block = 0; block < values.length / inner / length; block++) {
    for (const position of positions) {
      const from = (block * length + position) * inner;
      values.fill(0, from, from + inner);
    }
  }
  return { shape, values };
}
