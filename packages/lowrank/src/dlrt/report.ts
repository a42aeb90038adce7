import { largestUsefulRank } from './truncation.ts';

/** One layer of a {@link DlrtReport}. */
export interface DlrtLayer {
  /** Path of the layer. */
  readonly layer: string;
  /** n, outputs. */
  readonly outputs: number;
  /** m, inputs per output: k·k·channels for a convolution. */
  readonly inputs: number;
  /** Undefined where the layer stayed dense. `[in, out]` in Tucker's form. */
  readonly rank: number | readonly [number, number] | undefined;
  /** m n / (m + n): two factors of this rank or more are no smaller than the layer. */
  readonly breakEvenRank: number;
  /** Values of the kernel, both factors counted. */
  readonly kernels: number;
  /** Values of the dense kernel that it stands for. */
  readonly denseKernels: number;
  /** Why the layer stayed dense. */
  readonly dense?: string;
  /** The tolerance asked for more than the largest rank allowed. */
  readonly bounded?: true;
}

/** What a run has saved, by the honest count: both factors, and what stays dense. */
export interface DlrtReport {
  /** One entry for each layer with a kernel. */
  readonly layers: readonly DlrtLayer[];
  /** Σ r (m + n) and the kernels that stay dense. */
  readonly kernels: number;
  /** Values of the kernels of the same network, all dense. */
  readonly denseKernels: number;
  /** 1 − kernels / denseKernels. */
  readonly compression: number;
}

/** Adds a layer's counts up. */
export function reportOf(layers: readonly DlrtLayer[]): DlrtReport {
  const kernels = layers.reduce((sum, layer) => sum + layer.kernels, 0);
  const denseKernels = layers.reduce((sum, layer) => sum + layer.denseKernels, 0);
  return { layers, kernels, denseKernels, compression: 1 - kernels / denseKernels };
}

/** What r (m + n) ≥ m n means, for a message. */
export function noSmaller(rank: number, m: number, n: number): string {
  return `factors of rank ${rank} would be no smaller than the layer: the largest useful rank is ${largestUsefulRank(m, n)}, below m n / (m + n) = ${((m * n) / (m + n)).toFixed(1)}`;
}
