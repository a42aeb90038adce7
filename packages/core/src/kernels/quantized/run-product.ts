/** One product of rows with a loaded matrix, all of it in the memory of the kernels. */
import type { LoadedMatrix } from './loaded-matrix.ts';

/** What a layer does after its product: nothing, max(x, 0), x·Φ(x), or the approximation of that by tanh. */
export type ProductActivation = 'linear' | 'relu' | 'gelu' | 'gelu-tanh';

/** What a product is told beside its operands. */
export interface ProductEnding {
  readonly activation: ProductActivation;
  readonly activations: 'float32' | 'int8';
}

/** By number, as kernels know them. */
const ACTIVATIONS: Readonly<Record<ProductActivation, number>> = {
  ...{ linear: 0, relu: 1, gelu: 2, 'gelu-tanh': 3 },
};

/** Of a job, as in `assembly/quantized-product.ts`. */
export const JOB_BYTES = 64;
/** Rows quantised, or padded, at a time. */
const ROWS = 512;
/** From so many float32 rows on codes are widened to float32 once and multiplied by the float32 kernel. */
const WIDEN_FROM = 4;
/** Numbers widened at a time: with what the float32 kernel packs they fit the second-level cache. */
const WIDENED = 131_072;

/**
 * y `[rows, outputs]` = activation(x `[rows, inputs]` · Wᵀ + bias), at byte offsets; a bias at 0 is none.
 */
export function runProduct(
  who: string,
  matrix: LoadedMatrix,
  [rows, x, bias, y]: readonly [rows: number, x: number, bias: number, y: number],
  { activation, activations }: ProductEnding,
): void {
  const { space, inputs, outputs, group, layout, codingNumber } = matrix;
  const { kernels, memory } = space;
  const { depth, groupDepth, groups, blockBytes } = layout;
  const { codes, scales, zeros } = matrix.places(who);
  const blocks = Math.ceil(outputs / 8);
  if (rows * outputs === 0) return;
  const whole = activations === 'int8';
  const small = matrix.coding.startsWith('fp8');
  const padded = depth !== inputs;
  const rowBytes = kernels.quantizedRowBytes(codingNumber);
  const most = whole || padded ? ROWS : rows; // nothing of theirs is kept beside x
  for (let row = 0; row < rows; row += most) {
    const count = Math.min(most, rows - row);
    const [from, to] = [x + 4 * inputs * row, y + 4 * outputs * row];
    const widen = small || (!whole && count >= WIDEN_FROM);
    const columns = Math.min(8 * blocks, Math.max(8, 8 * Math.floor(WIDENED / (8 * Math.max(1, depth)))));
    const bytes = {
      job: JOB_BYTES,
      ...{ quantized: whole ? rowBytes * count * depth : 0, rowScales: whole ? 4 * count : 0 },
      floats: (whole && small) || (!whole && padded) ? 4 * count * depth : 0,
      sums: whole || (zeros !== 0 && !widen) ? 4 * count * groups : 0,
      ...{ work: kernels.quantizedBytes(), widened: widen ? 4 * columns * depth : 0 },
      gemm: widen ? kernels.workspaceBytes() : 0,
    };
    const total = Object.values(bytes).reduce((sum, size) => sum + 16 * Math.ceil(size / 16), 0);
    let next = space.workspace(total);
    const at = Object.fromEntries(
      Object.entries(bytes).map(([name, size]) => {
        const place = next;
        next += 16 * Math.ceil(size / 16);
        return [name, place];
      }),
    ) as Record<keyof typeof bytes, number>;
    if (whole)
      kernels.quantizeRows(
        ...([count, inputs, groups > 1 ? group : Math.max(1, inputs), depth, rowBytes] as const),
        ...([from, at.quantized, at.rowScales, at.sums] as const),
      );
    let operand = whole ? at.quantized : from;
    const floats = new Float32Array(memory.buffer, at.floats, bytes.floats / 4);
    if (whole && small) {
      const steps = new Int16Array(memory.buffer, at.quantized, count * depth);
      const rowScales = new Float32Array(memory.buffer, at.rowScales, count);
      for (const [i, step] of steps.entries()) floats[i] = step * rowScales[Math.floor(i / depth)]!;
    } else if (!whole && padded) {
      padRows(new Float32Array(memory.buffer, from, count * inputs), floats, inputs, matrix.layout, group);
    }
    if (bytes.floats > 0) operand = at.floats;
    if (!whole && zeros !== 0 && !widen) {
      const sums = new Float32Array(memory.buffer, at.sums, count * groups);
      const values = new Float32Array(memory.buffer, operand, count * depth);
      sumGroups(values, sums, matrix.layout);
    }
    const integers = whole && !small;
    new Int32Array(memory.buffer, at.job, JOB_BYTES / 4).set([
      ...[codingNumber, count, outputs, depth, groupDepth, groups, codes, blockBytes, scales, zeros],
      ...[operand, integers ? at.rowScales : 0, at.sums, bias, ACTIVATIONS[activation], to],
    ]);
    if (!widen) {
      kernels.quantizedProduct(at.job, 0, blocks, at.work);
      continue;
    }
    for (let column = 0; column < outputs; column += columns) {
      const last = Math.min(blocks, (column + columns) / 8);
      const ld = 8 * last - column;
      kernels.quantizedFloats(at.job, column / 8, last, at.widened, ld, at.work);
      kernels.gemm(
        ...([false, false, count, Math.min(ld, outputs - column), depth] as const),
        ...([operand, depth, at.widened, ld, to + 4 * column, outputs, at.gemm] as const),
      );
    }
    kernels.quantizedEnding(count, outputs, to, bias, ACTIVATIONS[activation]);
  }
}

/** Rows whose groups start at even places, 0 between. */
function padRows(
  from: Float32Array,
  to: Float32Array,
  inputs: number,
  { depth, groupDepth, groups }: LoadedMatrix['layout'],
  group: number,
): void {
  to.fill(0);
  const width = groups > 1 ? group : inputs;
  for (let r = 0; r * depth < to.length; r++) {
    for (let g = 0; g < groups; g++) {
      const start = g * width;
      const part = from.subarray(r * inputs + start, r * inputs + Math.min(inputs, start + width));
      to.set(part, r * depth + g * groupDepth);
    }
  }
}

function sumGroups(
  values: Float32Array,
  sums: Float32Array,
  { depth, groupDepth, groups }: LoadedMatrix['layout'],
): void {
  for (const i of sums.keys()) {
    const start = (i % groups) * groupDepth;
    const row = Math.floor(i / groups) * depth;
    let sum = 0;
    for (let p = row + start; p < row + Math.min(depth, start + groupDepth); p++) sum += values[p]!;
    sums[i] = sum;
  }
}
