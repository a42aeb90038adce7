import { textTable } from '@ockham/core/metrics';

/** What truncation would do to one layer. */
export interface LowRankRow {
  /** Path of the layer. */
  readonly layer: string;
  /** The layer's class. */
  readonly className: string;
  /** m: values that each output reads, k·k·channels for a convolution. */
  readonly inputs: number;
  /** n */
  readonly outputs: number;
  /** Undefined for a layer that stays whole. */
  readonly rank: number | undefined;
  /** mn/(m+n): from this rank on the factors are not smaller than the layer. */
  readonly breakEven: number;
  /** Weights of the kernel: m·n before, r(m+n), both factors, after. Biases are not counted. */
  readonly weights: { readonly before: number; readonly after: number };
  /** FLOPs of one example in these weights. */
  readonly flops: { readonly before: number; readonly after: number };
  /** √(Σ_{i>r} σ² / Σ σ²): of the kernel, or of the outputs where the inputs are known. 0 for a layer that stays whole. */
  readonly error: number;
  /** Why a layer stays whole. */
  readonly staysDense?: string;
}

/** What {@link compressLowRank} would do, or has done. */
export interface LowRankPlan {
  /** One for each layer with a kernel. */
  readonly rows: readonly LowRankRow[];
  /** Parameters of the whole model, biases included. */
  readonly parameters: { readonly before: number; readonly after: number };
  /** FLOPs of one example through the whole model. */
  readonly flops: { readonly before: number; readonly after: number };
}

/** A plan as an aligned table. */
export function formatLowRankPlan({ rows, parameters, flops }: LowRankPlan): string {
  const count = (value: number) => value.toLocaleString('en-US');
  const cells = [
    ['layer', 'size', 'rank', 'break-even', 'weights', 'after', 'error', ''],
    ...rows.map((row) => [
      row.layer,
      `${row.inputs}×${row.outputs}`,
      row.rank === undefined ? 'whole' : String(row.rank),
      row.breakEven.toFixed(1),
      count(row.weights.before),
      count(row.weights.after),
      row.error.toFixed(4),
      row.staysDense ?? '',
    ]),
  ];
  return [
    textTable(cells, 1),
    `parameters ${count(parameters.before)} → ${count(parameters.after)}, FLOPs ${count(flops.before)} → ${count(flops.after)}`,
  ].join('\n');
}
