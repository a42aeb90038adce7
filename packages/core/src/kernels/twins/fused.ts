/** The fused kernels in plain TypeScript, in double precision until the end. */
import type { FusedActivation } from '../panels.ts';
import { layerNormTwin } from './layer-norm.ts';

const activate: Readonly<Record<FusedActivation, (x: number) => number>> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  'gelu-tanh': (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  tanh: (x) => Math.tanh(x),
};

/** erf by its series. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** What follows a product. */
export interface FinishTwin {
  readonly bias?: Float32Array;
  readonly activation?: FusedActivation;
  readonly residual?: Float32Array;
  readonly norm?: { readonly gamma: Float32Array; readonly beta: Float32Array; readonly epsilon: number };
}

/** y = activation(x + bias) + residual in rows of n, and z, its layer normalisation. */
export function fusedFinishTwin(
  x: Float32Array,
  n: number,
  { bias, activation = 'linear', residual, norm }: FinishTwin,
): { y: Float32Array; z: Float32Array | undefined } {
  const y = x.map((value, i) => activate[activation](value + (bias?.[i % n] ?? 0)) + (residual?.[i] ?? 0));
  return {
    y,
    z: norm && Float32Array.from(layerNormTwin(y, norm.gamma, norm.beta, norm.epsilon)),
  };
}

/** softmax(scale · x + plus). */
export function fusedSoftmaxTwin(x: Float32Array, scale: number, plus?: Float32Array): Float32Array {
  const scores = Array.from(x, (value, i) => value * scale + (plus?.[i] ?? 0));
  const most = Math.max(...scores);
  const parts = scores.map((score) => Math.exp(score - most));
  const sum = parts.reduce((total, part) => total + part, 0);
  return Float32Array.from(parts, (part) => part / sum);
}

/** One head of attention, Q `[rows, d]`, K and V `[keys, d]`. */
export function fusedAttentionTwin(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  d: number,
  { scale, plus, first = -1 }: { scale: number; plus?: Float32Array; first?: number },
): Float32Array {
  const [rows, keys] = [q.length / d, k.length / d];
  const out = new Float32Array(rows * d);
  for (let i = 0; i < rows; i++) {
    const seen = first < 0 ? keys : Math.min(keys, first + i + 1);
    const scores = Float32Array.from({ length: seen }, (_, j) => {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += q[i * d + c]! * k[j * d + c]!;
      return sum;
    });
    const parts = fusedSoftmaxTwin(scores, scale, plus);
    for (let c = 0; c < d; c++) {
      let sum = 0;
      for (let j = 0; j < seen; j++) sum += parts[j]! * v[j * d + c]!;
      out[i * d + c] = sum;
    }
  }
  return out;
}
