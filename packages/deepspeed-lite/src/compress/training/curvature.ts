/**
 * How strongly the loss bends along each matrix of a model: the largest eigenvalue of its block of the Hessian.
 *
 * Source: power iteration as HAWQ (Dong et al. 2019, algorithm 1); the survey's "second-order information" (section 3.6.3).
 * Deviations: TensorFlow.js has no second derivative of most operations, so a Hessian–vector product is the difference of two
 * gradients, H v ≈ (g(w + ε v) − g(w − ε v)) / 2ε, exact where the loss is quadratic.
 */
import {
  add,
  div,
  mul,
  norm,
  sub,
  sum,
  tensor,
  tidy,
  zerosLike,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NonFiniteError, throwIfAborted, type Progress, type Split } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import {
  batchOf,
  checkFit,
  lossFunction,
  lossGradients,
  withRegularisation,
  type Batch,
  type Loss,
} from '@ockham/core/training';
import { someQuantizable } from './quantized-forward.ts';

/** Options of {@link layerCurvatures}. */
export interface CurvatureOptions {
  /** As in `train`. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Examples that the loss is taken over, drawn; ≥ 1. Default 64. */
  readonly examples?: number;
  /** Power iterations, at most, ≥ 1. Default 10. */
  readonly iterations?: number;
  /** Relative change of the eigenvalue that ends the iteration, > 0. Default 0.01, as of DeepSpeed's MoQ. */
  readonly tolerance?: number;
  /** ε · ‖v‖ relative to ‖w‖, > 0. Default 0.001. */
  readonly step?: number;
  /** Which layers, by path. Default all that can be quantised. */
  readonly paths?: readonly string[];
  /** Draws examples and first vectors. Default 0. */
  readonly seed?: Seed;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** The bend of the loss along one matrix. */
export interface LayerCurvature {
  /** Path of the layer. */
  readonly path: string;
  /** The eigenvalue of largest magnitude, with its sign. */
  readonly eigenvalue: number;
  /** Products with the Hessian that it took. */
  readonly iterations: number;
}

/**
 * The largest eigenvalue of every matrix' own block of the Hessian of the mean loss, in inference mode. The model's weights
 * are moved and put back to the bit, also when it throws.
 *
 * @throws ArgumentError for options out of range or data that does not fit; NonFiniteError where a gradient is not finite;
 *   AbortedError when the signal fires.
 *
 * @example
 * const curvatures = await layerCurvatures(model, data.train, { examples: 128, seed: 7 });
 */
export async function layerCurvatures(
  model: LayersModel,
  data: Split,
  options: CurvatureOptions = {},
): Promise<LayerCurvature[]> {
  const { loss = 'crossEntropy', examples = 64, iterations = 10, tolerance = 0.01, step = 1e-3 } = options;
  const who = 'layerCurvatures';
  for (const [name, value] of Object.entries({ examples, iterations }))
    if (!(Number.isInteger(value) && value >= 1)) throw new ArgumentError(`${who}: ${name} must be an integer ≥ 1, got ${value}.`); // prettier-ignore
  for (const [name, value] of Object.entries({ tolerance, step }))
    if (!(value > 0 && Number.isFinite(value))) throw new ArgumentError(`${who}: ${name} must be a number > 0, got ${value}.`); // prettier-ignore
  checkFit(who, model, data, { loss });
  const all = someQuantizable(who, model);
  const wanted = options.paths ?? all.map(({ path }) => path);
  const chosen = wanted.map((path) => {
    const found = all.find((one) => one.path === path);
    if (found) return found;
    throw new ArgumentError(`${who}: no layer "${path}" to quantise. There are ${all.map((one) => one.path).join(', ')}.`); // prettier-ignore
  });
  const random = toRandom(options.seed ?? 0).stream('curvature');
  const batch = batchOf(data, random.stream('examples').sample(data.size, Math.min(examples, data.size)));
  const lossOf = lossFunction(loss);
  const gradientAt = (variable: Variable): Tensor => gradientOf(model, batch, lossOf, variable);
  try {
    const found: LayerCurvature[] = [];
    for (const [done, { path, variable }] of chosen.entries()) {
      const start = random.stream(path);
      const run = { tolerance, iterations, step, path, signal: options.signal };
      found.push({ path, ...(await iterate(variable, gradientAt, start, run)) });
      options.progress?.({ stage: 'curvature', done: done + 1, total: chosen.length });
    }
    return found;
  } finally {
    batch.x.dispose();
    batch.y.dispose();
  }
}

function gradientOf(
  model: LayersModel,
  { x, y }: Batch,
  loss: (target: Tensor, prediction: Tensor) => Tensor,
  variable: Variable,
): Tensor {
  return tidy(() => {
    const objective = (): Scalar =>
      withRegularisation(loss(y, model.apply(x, { training: false }) as Tensor), model);
    const { grads } = lossGradients(objective, [variable]);
    return grads[variable.name] ?? zerosLike(variable);
  });
}

interface Run {
  readonly path: string;
  readonly iterations: number;
  readonly tolerance: number;
  readonly step: number;
  readonly signal: AbortSignal | undefined;
}

async function iterate(
  variable: Variable,
  gradientAt: (variable: Variable) => Tensor,
  random: Random,
  { path, iterations, tolerance, step, signal }: Run,
): Promise<Omit<LayerCurvature, 'path'>> {
  const w = variable.clone();
  const shape = variable.shape;
  const values = Float32Array.from({ length: variable.size }, () => random.normal());
  let v = tidy(() => {
    const start = tensor(values, shape);
    return div(start, norm(start)); // ‖v‖ = 1
  });
  const epsilon = step * (tidy(() => norm(w).dataSync<'float32'>()[0]!) || 1);
  let eigenvalue = 0;
  try {
    for (let i = 1; i <= iterations; i++) {
      throwIfAborted(signal, 'layerCurvatures');
      const side = (sign: number): Tensor =>
        tidy(() => {
          variable.assign(add(w, mul(v, sign * epsilon)));
          return gradientAt(variable);
        });
      const product = tidy(() => div(sub(side(1), side(-1)), 2 * epsilon)); // H v
      const [rayleigh, size] = await read(tidy(() => [sum(mul(v, product)), norm(product)]));
      if (!Number.isFinite(size!)) {
        product.dispose();
        throw new NonFiniteError(
          `layerCurvatures: the gradient of ${path} is not finite near its weights. Check that the model and its loss are.`,
        );
      }
      const former = eigenvalue;
      eigenvalue = rayleigh!;
      v.dispose();
      v = size === 0 ? product : tidy(() => div(product, size!));
      if (size !== 0) product.dispose();
      const settled = i > 1 && Math.abs(eigenvalue - former) <= tolerance * Math.abs(eigenvalue);
      if (size === 0 || settled) return { eigenvalue, iterations: i };
    }
    return { eigenvalue, iterations };
  } finally {
    variable.assign(w);
    w.dispose();
    v.dispose();
  }
}

async function read(scalars: Tensor[]): Promise<number[]> {
  const values = await Promise.all(scalars.map((one) => one.data<'float32'>()));
  for (const one of scalars) one.dispose();
  return values.map(([value]) => value!);
}
