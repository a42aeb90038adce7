import type { ImageShape } from '../image.ts';

/** One axis of a separable filter: output `i` is the sum of `weights[k] * input[first[i] + k - starts[i]]`, k from `starts[i]` to `starts[i + 1]`. */
export interface Taps {
  readonly outputs: number;
  readonly first: Int32Array;
  readonly starts: Int32Array;
  readonly weights: Float64Array;
}

function tapsOf(rows: readonly { first: number; weights: readonly number[] }[]): Taps {
  const starts = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => (starts[i + 1] = starts[i]! + row.weights.length));
  return {
    outputs: rows.length,
    first: Int32Array.from(rows, (row) => row.first),
    starts,
    weights: Float64Array.from(rows.flatMap((row) => row.weights)),
  };
}

/** The mean over what each of `to` equal parts covers of `from` pixels, in proportion where a part cuts a pixel. */
export function areaTaps(from: number, to: number): Taps {
  const part = from / to;
  return tapsOf(
    Array.from({ length: to }, (_, i) => {
      const [begin, end] = [i * part, (i + 1) * part];
      const first = Math.floor(begin);
      const last = Math.min(from, Math.ceil(end - 1e-9)); // i * part may end a rounding error too high
      const weights = Array.from(
        { length: last - first },
        (_, k) => (Math.min(end, first + k + 1) - Math.max(begin, first + k)) / part,
      );
      return { first, weights };
    }),
  );
}

/** Between the two nearest centres of `from` pixels, at the centres of `to`; beyond the outer centres, the edge. */
export function bilinearTaps(from: number, to: number): Taps {
  return tapsOf(
    Array.from({ length: to }, (_, i) => {
      const centre = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
      const first = Math.floor(centre);
      const share = centre - first;
      return { first, weights: share === 0 ? [1] : [1 - share, share] };
    }),
  );
}

let between = new Float64Array(0); // [outputs of rows, width, channels]

/** Filters the columns, then the rows, of `image`; into bytes, results are rounded. */
export function resample(
  image: Uint8Array,
  [, width, channels]: ImageShape,
  rows: Taps,
  columns: Taps,
  into: Uint8Array | Float32Array,
  offset: number,
): void {
  const line = width * channels;
  if (between.length < rows.outputs * line) between = new Float64Array(rows.outputs * line);
  for (let y = 0; y < rows.outputs; y++) {
    const from = rows.first[y]! - rows.starts[y]!;
    for (let x = 0; x < line; x++) {
      let sum = 0;
      for (let k = rows.starts[y]!; k < rows.starts[y + 1]!; k++) {
        sum += rows.weights[k]! * image[(from + k) * line + x]!;
      }
      between[y * line + x] = sum;
    }
  }
  const round = into instanceof Uint8Array ? 0.5 : 0; // storing in bytes drops the fraction
  let at = offset;
  for (let y = 0; y < rows.outputs; y++) {
    for (let x = 0; x < columns.outputs; x++) {
      const from = columns.first[x]! - columns.starts[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = round;
        for (let k = columns.starts[x]!; k < columns.starts[x + 1]!; k++) {
          sum += columns.weights[k]! * between[y * line + (from + k) * channels + c]!;
        }
        into[at++] = sum;
      }
    }
  }
}
