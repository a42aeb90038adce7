/**
 * Training with stochastic Frank-Wolfe: each kernel stays in a set of its own, and each step moves it toward that
 * set's vertex for the averaged gradient. Over sets with sparse vertices most weights end near zero, so that one-shot
 * magnitude pruning costs little accuracy.
 * Pokutta, Spiegel and Zimmer 2020, "Deep neural network training with Frank-Wolfe", Algorithm 1 and Section 3;
 * Zimmer, Spiegel and Pokutta 2022, "Compression-aware training of neural networks using Frank-Wolfe".
 *
 * Deviations: variables without a set (biases) take a step of gradient descent along the same averaged gradient;
 * initial weights outside their set are scaled onto its boundary.
 */
import type { NamedTensorMap, Tensor, Variable, serialization } from '@tensorflow/tfjs-core';
import {
  Optimizer,
  add,
  dispose,
  div,
  divNoNan,
  engine,
  minimum,
  mul,
  sqrt,
  square,
  sub,
  sum,
  tensor,
  tidy,
  variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import type { ConstraintRule, LayerConstraint } from './layer-constraint.ts';
import { constrainKernels } from './layer-constraint.ts';
import type { FeasibleSet } from './lmo/index.ts';

/** How the learning rate becomes the step γ ≤ 1 toward the vertex v. */
export type Rescale = 'gradient' | 'diameter' | 'none';

/** Options of {@link FrankWolfeOptimizer}. */
export interface FrankWolfeOptimizerOptions {
  /** Default 1. LeNet-300-100 on MNIST was trained with 2, falling linearly to 0. */
  readonly learningRate?: number;
  /** β of m ← βm + (1-β)∇, in [0, 1). Default 0.9. */
  readonly momentum?: number;
  /**
   * `gradient`: γ = learningRate·‖m‖/‖v-w‖, a step as long as that of gradient descent. `diameter`: learningRate divided
   * by the set's diameter. `none`: γ = learningRate. All are cut at 1. Default `gradient`.
   */
  readonly rescale?: Rescale;
  /** Which variable stays in which set; a function cannot be serialised. Default `{ set: 'k-support' }`. */
  readonly constraint?: LayerConstraint | ConstraintRule;
}

/** A tensor and its variable's name, as tf optimizers exchange them (tfjs-core does not export its own). */
export interface NamedTensor {
  /** The variable's name. */
  readonly name: string;
  /** Its value or gradient. */
  readonly tensor: Tensor;
}

interface State {
  readonly originalName: string;
  readonly momentum: Variable;
}

/**
 * A tf optimizer for `model.compile`, `optimizer.minimize` or any loop that calls `applyGradients`. Owns one momentum tensor
 * per variable until `dispose()`.
 *
 * The oracle runs in JavaScript on the momentum's values: one download and one upload per kernel and step.
 *
 * @example
 * const optimizer = new FrankWolfeOptimizer({ learningRate: 2, constraint: { set: 'k-support', fraction: 0.05 } });
 * model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });
 */
export class FrankWolfeOptimizer extends Optimizer {
  /** May be set between steps; see {@link FrankWolfeOptimizerOptions.learningRate}. */
  learningRate: number;
  /** See {@link FrankWolfeOptimizerOptions.momentum}. */
  readonly momentum: number;
  /** See {@link FrankWolfeOptimizerOptions.rescale}. */
  readonly rescale: Rescale;
  readonly #constraint: LayerConstraint | ConstraintRule;
  readonly #rule: ConstraintRule;
  #states: (State | undefined)[] = [];
  #sets: (FeasibleSet | null | undefined)[] = [];

  /** Names the class in saved states. */
  static get className(): string {
    return 'FrankWolfe';
  }

  /** @throws ArgumentError for an option out of range. */
  constructor(options: FrankWolfeOptimizerOptions = {}) {
    super();
    const {
      learningRate = 1,
      momentum = 0.9,
      rescale = 'gradient',
      constraint = { set: 'k-support' },
    } = options;
    if (!(momentum >= 0 && momentum < 1))
      throw new ArgumentError(`FrankWolfeOptimizer: momentum must be in [0, 1), got ${momentum}.`);
    if (!['gradient', 'diameter', 'none'].includes(rescale)) {
      throw new ArgumentError(
        `FrankWolfeOptimizer: rescale must be 'gradient', 'diameter' or 'none', got '${rescale}'.`,
      );
    }
    this.learningRate = checkRate(learningRate);
    this.momentum = momentum;
    this.rescale = rescale;
    this.#constraint = constraint;
    this.#rule = typeof constraint === 'function' ? constraint : constrainKernels(constraint);
  }

  /** For schedules. */
  setLearningRate(learningRate: number): void {
    this.learningRate = checkRate(learningRate);
  }

  /**
   * One step. The order of the variables must not change from call to call.
   *
   * @throws NonFiniteError, naming the set, when a gradient is NaN or infinite.
   */
  override applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, value]) => ({ name, tensor: value }));
    named.forEach(({ name, tensor: gradient }, i) => {
      if (gradient == null) return; // tfjs passes null for a variable that the loss does not reach
      const w = engine().registeredVariables[name];
      if (!w)
        throw new ArgumentError(`FrankWolfeOptimizer: there is no variable ${name}. Was the model disposed?`);
      this.#prepare(i, name, w);
      tidy(() => this.#step(this.#states[i]!.momentum, this.#sets[i]!, w, gradient));
    });
    this.incrementIterations();
  }

  /** First sight of a variable: its set, its momentum, and a feasible start. */
  #prepare(i: number, name: string, w: Variable): void {
    if (this.#sets[i] === undefined) {
      const set = this.#rule(name, w.shape);
      if (set && set.dimension !== w.size) {
        throw new ArgumentError(
          `FrankWolfeOptimizer: the set for ${name} must have dimension ${w.size}, got ${set.dimension} (${set.name}).`,
        );
      }
      this.#sets[i] = set;
      // A restored momentum means restored weights: those are feasible, and rescaling would change their last bits.
      if (set && !this.#states[i]) makeFeasible(name, w, set);
    }
    const state = this.#states[i];
    if (!state) {
      this.#states[i] = {
        originalName: `${name}/momentum`,
        momentum: tidy(() => variable(zerosLike(w), false)),
      };
    } else if (state.momentum.shape.join() !== w.shape.join()) {
      throw new ArgumentError(
        `FrankWolfeOptimizer: ${name} has shape [${w.shape.join(', ')}], its momentum (${state.originalName}) [${state.momentum.shape.join(', ')}]. Use one optimizer per model, and the same variables in every step.`,
      );
    }
  }

  #step(momentum: Variable, set: FeasibleSet | null, w: Variable, gradient: Tensor): void {
    const m = add(mul(momentum, this.momentum), mul(gradient, 1 - this.momentum));
    momentum.assign(m);
    if (!set) {
      w.assign(sub(w, mul(m, this.learningRate)));
      return;
    }
    const vertex = set.minimize(m.dataSync<'float32'>(), new Float32Array(w.size));
    const toVertex = sub(tensor(vertex, w.shape, 'float32'), w);
    w.assign(add(w, mul(toVertex, this.#gamma(m, toVertex, set))));
  }

  #gamma(m: Tensor, toVertex: Tensor, set: FeasibleSet): Tensor | number {
    switch (this.rescale) {
      case 'gradient':
        return minimum(mul(divNoNan(length(m), length(toVertex)), this.learningRate), 1);
      case 'diameter':
        return Math.min(1, this.learningRate / set.diameter());
      case 'none':
        return Math.min(1, this.learningRate);
    }
  }

  override dispose(): void {
    dispose(this.#states.flatMap((state) => (state ? [state.momentum] : [])));
    this.#states = [];
    this.#sets = [];
  }

  /** The step count and the momentum tensors; those belong to the optimizer. */
  override async getWeights(): Promise<NamedTensor[]> {
    const momenta = this.#states.flatMap((state) =>
      state ? [{ name: state.originalName, tensor: state.momentum }] : [],
    );
    return [await this.saveIterations(), ...momenta];
  }

  /** Takes what `getWeights` gave, in its order. */
  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const momenta = await this.extractIterations(weights);
    this.dispose();
    this.#states = momenta.map(({ name, tensor: value }) => ({
      originalName: name,
      momentum: variable(value, false),
    }));
  }

  /** @throws ArgumentError when the constraint is a function. */
  override getConfig(): serialization.ConfigDict {
    if (typeof this.#constraint === 'function') {
      throw new ArgumentError(
        "FrankWolfeOptimizer: a constraint given as a function cannot be serialised. Give it as data, for example { set: 'k-support', fraction: 0.1 }.",
      );
    }
    return {
      learningRate: this.learningRate,
      momentum: this.momentum,
      rescale: this.rescale,
      constraint: { ...this.#constraint },
    };
  }

  /** Makes the optimizer that a saved configuration describes. */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    return new cls(config);
  }
}

/** ‖x‖₂; tf's own `norm` raises to a power, which took most of a step's time. */
function length(x: Tensor): Tensor {
  return sqrt(sum(square(x)));
}

function makeFeasible(name: string, w: Variable, set: FeasibleSet): void {
  const values = w.dataSync<'float32'>();
  if (!set.gauge) {
    if (set.contains(values, 1e-4)) return;
    throw new ArgumentError(
      `FrankWolfeOptimizer: ${name} starts outside the ${set.name}, which cannot be reached by scaling. Start it inside.`,
    );
  }
  const gauge = set.gauge(values);
  if (gauge > 1) tidy(() => w.assign(div(w, gauge)));
}

function checkRate(learningRate: number): number {
  if (learningRate > 0 && Number.isFinite(learningRate)) return learningRate;
  throw new ArgumentError(
    `FrankWolfeOptimizer: learningRate must be positive and finite, got ${learningRate}.`,
  );
}
