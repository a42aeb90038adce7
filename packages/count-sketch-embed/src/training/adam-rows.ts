/** A step of Adam on some rows of a variable: in memory where the engine's is within reach, else by its operations. */
import {
  add,
  backend,
  div,
  engine,
  getBackend,
  mul,
  sqrt,
  square,
  tidy,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { hostOf, kernelsOf, ownValues } from '@ockham/core/backend';
import { rowsOf } from './rows.ts';

/** What all variables of a step have in common. */
export interface AdamStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  /** β₁ᵗ and β₂ᵗ of the step. */
  readonly power1: number;
  readonly power2: number;
}

/** @param runs Of rows: from, to (exclusive), from, to, … */
export function adamRows(
  weights: Variable,
  first: Variable,
  second: Variable,
  gradient: Tensor,
  runs: Int32Array,
  step: AdamStep,
): void {
  const update = ['wasm', 'cpu'].includes(getBackend()) ? inMemory : byEngine;
  tidy(() => update(weights, first, second, gradient, runs, step));
}

const inMemory: typeof adamRows = (weights, first, second, gradient, runs, step) => {
  const { beta1, beta2, epsilon, learningRate, power1, power2 } = step;
  const scalars = Float32Array.of(
    ...[beta1, 1 - beta1, beta2, 1 - beta2, 1 - power1, 1 - power2, epsilon, -learningRate],
  );
  const host = hostOf(backend());
  ownValues(backend(), first);
  ownValues(backend(), second);
  // the weights go to a place of their own: engines keep packed copies of them by their id
  const made = host.allocate(weights.shape, 'float32');
  const width = weights.size / weights.shape[0];
  const attached = kernelsOf(backend());
  if (attached) {
    const place = attached.workspace(scalars.byteLength);
    new Float32Array(attached.memory.buffer, place, scalars.length).set(scalars);
    (host.view(made) as Float32Array).set(host.view(weights));
    const [w, m, v, g, to] = [weights, first, second, gradient, made].map((tensor) =>
      attached.address(tensor),
    );
    for (let i = 0; i < runs.length; i += 2) {
      const at = 4 * runs[i]! * width;
      const n = (runs[i + 1]! - runs[i]!) * width;
      attached.kernels.adamStep(n, w! + at, m! + at, v! + at, g! + at, to! + at, place);
    }
  } else {
    const [m, v, g, to] = [first, second, gradient, made].map((tensor) => host.view(tensor) as Float32Array);
    to!.set(host.view(weights));
    for (let i = 0; i < runs.length; i += 2) {
      adamPlain(runs[i]! * width, runs[i + 1]! * width, m!, v!, g!, to!, scalars);
    }
  }
  weights.assign(engine().makeTensorFromTensorInfo(made));
};

/** Numbers `from` to `end`, each operation rounded as by TensorFlow.js. */
function adamPlain(
  from: number,
  end: number,
  m: Float32Array,
  v: Float32Array,
  g: Float32Array,
  w: Float32Array,
  scalars: Float32Array,
): void {
  const [beta1, rest1, beta2, rest2, correction1, correction2, epsilon, rate] =
    scalars as unknown as number[];
  const f = Math.fround;
  for (let i = from; i < end; i++) {
    m[i] = f(m[i]! * beta1!) + f(g[i]! * rest1!);
    v[i] = f(v[i]! * beta2!) + f(f(g[i]! * g[i]!) * rest2!);
    const root = f(f(Math.sqrt(f(v[i]! / correction2!))) + epsilon!);
    w[i] = f(f(f(m[i]! / correction1!) / root) * rate!) + w[i]!;
  }
}

const byEngine: typeof adamRows = (weights, first, second, gradient, runs, step) => {
  const { beta1, beta2, epsilon, learningRate, power1, power2 } = step;
  const rows = rowsOf(runs, weights.shape[0]);
  const g = rows.of(gradient);
  const m = add(mul(rows.of(first), beta1), mul(g, 1 - beta1));
  const v = add(mul(rows.of(second), beta2), mul(square(g), 1 - beta2));
  const root = add(sqrt(div(v, 1 - power2)), epsilon);
  const w = add(rows.of(weights), mul(div(div(m, 1 - power1), root), -learningRate));
  for (const [variable, values] of [
    [first, m],
    [second, v],
    [weights, w],
  ] as const) {
    variable.assign(rows.replaced(variable, values));
  }
};
