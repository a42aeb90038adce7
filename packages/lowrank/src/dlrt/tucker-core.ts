/**
 * The core C `[k·k, p, q]` of a convolution's kernel in Tucker's form on its channels, W = C ×_in V ×_out U: p and q are the ranks of
 * the modes of the inputs and of the outputs; the places of the kernel stay as they are (Kim et al. 2016, Tucker-2).
 */
import { eigh, matrix, multiply, qr, transpose, type Matrix } from '@ockham/core/linalg';
import { truncate, type RankRule } from './truncation.ts';

/** C, row-major: place, input, output. */
export interface TuckerCore {
  /** k·k */
  readonly places: number;
  /** p */
  readonly inputs: number;
  /** q */
  readonly outputs: number;
  readonly values: Float64Array;
}

/** C as `[k·k·p, q]`, a matrix with the kernel's own layout; shares the values. */
export function byOutputs({ places, inputs, outputs, values }: TuckerCore): Matrix {
  return { rows: places * inputs, columns: outputs, values };
}

/** C as `[k·k·q, p]`. */
export function byInputs({ places, inputs, outputs, values }: TuckerCore): Matrix {
  const made = matrix(places * outputs, inputs);
  for (let s = 0; s < places; s++) {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < outputs; j++)
        made.values[(s * outputs + j) * inputs + i] = values[(s * inputs + i) * outputs + j]!;
    }
  }
  return made;
}

/** Undoes {@link byInputs}. */
export function fromInputs({ rows, columns, values }: Matrix, places: number): TuckerCore {
  // the same exchange of the last two indexes, the other way round
  const turned = byInputs({ places, inputs: rows / places, outputs: columns, values });
  return { places, inputs: columns, outputs: rows / places, values: turned.values };
}

/** C ×_in aᵀ ×_out bᵀ: a `[p, p']` and b `[q, q']` take the modes to other bases. */
export function inBases(core: TuckerCore, a: Matrix, b: Matrix): TuckerCore {
  const { values, columns } = multiply(byOutputs(core), b);
  const half = { ...core, outputs: columns, values };
  return fromInputs(multiply(byInputs(half), a), core.places);
}

/** Orthonormal bases of C's rows: C as `[k·k·p, q]` and as `[k·k·q, p]` are `outputs` and `inputs` times something small. */
export interface Frames {
  /** `[k·k·p, q]` */
  readonly outputs: Matrix;
  /** `[k·k·q, p]` */
  readonly inputs: Matrix;
}

export function framesOf(core: TuckerCore): Frames {
  return { outputs: qr(byOutputs(core)).q, inputs: qr(byInputs(core)).q };
}

/** The ranks of both modes. */
export type TuckerRanks = readonly [inputs: number, outputs: number];

/** What truncation keeps, and the norm of what went. */
export interface TruncatedTucker {
  readonly core: TuckerCore;
  /** `[p, p']`, orthonormal: the directions of the inputs that are kept. */
  readonly left: Matrix;
  /** `[q, q']`, of the outputs. */
  readonly right: Matrix;
  readonly discarded: number;
  readonly bounded: boolean;
}

/**
 * Truncates one mode after the other by the singular vectors of its unfolding (Vannieuwenhoven et al. 2012). Each may drop ϑ/√2 of its
 * norm, so that both together drop at most ϑ.
 */
export function truncateTucker(core: TuckerCore, inputs: RankRule, outputs: RankRule): TruncatedTucker {
  const half = (rule: RankRule) => ({ ...rule, tolerance: rule.tolerance / Math.SQRT2 });
  const { places } = core;
  // so many outputs could not tell more inputs apart, nor the other way round
  const most = places * Math.min(core.outputs, outputs.maxRank);
  const first = leading(byInputs(core), { ...half(inputs), maxRank: Math.min(inputs.maxRank, most) });
  const thinner = fromInputs(multiply(byInputs(core), first.directions), places);
  const kept = first.directions.columns;
  const second = leading(byOutputs(thinner), {
    ...half(outputs),
    minRank: Math.max(outputs.minRank, Math.ceil(kept / places)),
    maxRank: Math.min(outputs.maxRank, places * kept),
  });
  const { values, columns } = multiply(byOutputs(thinner), second.directions);
  return {
    core: { ...thinner, outputs: columns, values },
    left: first.directions,
    right: second.directions,
    discarded: Math.hypot(first.discarded, second.discarded),
    bounded: first.bounded || second.bounded,
  };
}

/** The right singular vectors of a that a rule keeps. */
function leading(a: Matrix, rule: RankRule): { directions: Matrix; discarded: number; bounded: boolean } {
  const n = a.columns;
  const { values, vectors } = eigh(multiply(a, a, { transposeA: true }));
  const sigma = Float64Array.from({ length: n }, (_, i) => Math.sqrt(Math.max(0, values[n - 1 - i]!)));
  const { rank, discarded, bounded } = truncate(sigma, rule);
  const directions = matrix(n, rank);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < rank; j++) directions.values[i * rank + j] = vectors.values[i * n + n - 1 - j]!;
  }
  return { directions, discarded, bounded };
}

/** A kernel `[k·k·c, n]` truncated to Tucker's form: W ≈ C ×_in V ×_out U. */
export function tuckerOf(
  kernel: Matrix,
  places: number,
  inputs: RankRule,
  outputs: RankRule,
): { readonly core: TuckerCore; readonly u: Matrix; readonly v: Matrix } {
  const whole = { places, inputs: kernel.rows / places, outputs: kernel.columns, values: kernel.values };
  const { core, left, right } = truncateTucker(whole, inputs, outputs);
  return { core, u: right, v: left };
}

/** The kernel `[k·k·c, n]` of Tucker's form. */
export function kernelOf(core: TuckerCore, u: Matrix, v: Matrix): Matrix {
  return byOutputs(inBases(core, transpose(v), transpose(u)));
}

/** Values of a layer in this form: k·k·p·q + c·p + n·q. */
export function tuckerSize(places: number, channels: number, outputs: number, [p, q]: TuckerRanks): number {
  return places * p * q + channels * p + outputs * q;
}

/** The largest ranks, in about the proportion of the channels, whose form is smaller than the kernel; undefined where none is. */
export function largestTuckerRanks(
  places: number,
  channels: number,
  outputs: number,
): TuckerRanks | undefined {
  for (let q = outputs; q >= 1; q--) {
    const p = Math.max(1, Math.round((channels * q) / outputs));
    if (tuckerSize(places, channels, outputs, [p, q]) < places * channels * outputs) return [p, q];
  }
  return undefined;
}
