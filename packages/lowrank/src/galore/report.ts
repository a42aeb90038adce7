import type { OptimizerSpec } from '@ockham/core/training';
import type { Projection } from './projection.ts';

/** One layer of a {@link GaLoreReport}. */
export interface GaLoreLayer {
  /** Path of the layer. */
  readonly path: string;
  /** The kernel as a matrix, `[m, n]`. */
  readonly shape: readonly [rows: number, columns: number];
  /** r; the shorter side for a layer that is stepped whole. */
  readonly rank: number;
  /** Which side P multiplies from; `none`: stepped whole. */
  readonly side: 'left' | 'right' | 'none';
  /** Of the subspace and the moments in it. */
  readonly bytes: number;
  /** Of the moments without a projection. */
  readonly fullBytes: number;
}

/** What the optimizer keeps between steps for the kernels it projects and those it could. */
export interface GaLoreReport {
  /** One entry for each kernel that is or could be projected. */
  readonly layers: readonly GaLoreLayer[];
  /** Bytes kept, over all layers. */
  readonly bytes: number;
  /** Bytes that the inner optimizer alone would keep. */
  readonly fullBytes: number;
}

/** Moments of each value. */
const MOMENTS = { sgd: 0, momentum: 1, adam: 2 } as const;
/** Of a float32 or an int32. */
const BYTES = 4;

interface Entry {
  readonly path: string;
  readonly projection: Projection;
}

export function reportOf(
  name: OptimizerSpec['name'],
  projected: readonly Entry[],
  whole: readonly Entry[],
): GaLoreReport {
  const layerOf = ({ path, projection }: Entry, isWhole: boolean): GaLoreLayer => {
    const { rows, columns, rank, left, size } = projection;
    const fullBytes = BYTES * MOMENTS[name] * rows * columns;
    const bytes = BYTES * (size + MOMENTS[name] * rank * Math.max(rows, columns));
    return {
      ...{ path, shape: [rows, columns], rank, fullBytes },
      side: isWhole ? 'none' : left ? 'left' : 'right',
      bytes: isWhole ? fullBytes : bytes,
    };
  };
  const layers = [
    ...projected.map((entry) => layerOf(entry, false)),
    ...whole.map((entry) => layerOf(entry, true)),
  ];
  const total = (of: 'bytes' | 'fullBytes') => layers.reduce((sum, layer) => sum + layer[of], 0);
  return { layers, bytes: total('bytes'), fullBytes: total('fullBytes') };
}
