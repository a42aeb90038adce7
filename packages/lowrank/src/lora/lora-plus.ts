/**
 * LoRA+: B learns at λ times the rate of A, since A and B of a wide layer need steps of different size.
 *
 * Paper: Hayou, Ghosh and Yu 2024, "LoRA+: efficient low rank adaptation of large models", section 4; λ ≈ 16 (section 5).
 * Deviations: a step of Adam is linear in its rate, so B takes the common step and is then moved on to λ of it; state
 * and checkpoints are Adam's own.
 */
import {
  add,
  AdamOptimizer,
  engine,
  keep,
  mul,
  sub,
  tidy,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loraOf } from './lora-state.ts';

/** Options of {@link loraPlus}. */
export interface LoraPlusOptions {
  /** Of A and of what else trains. Default 0.001, Adam's. */
  readonly learningRate?: number;
  /** λ, the rate of B over that of A, ≥ 1. Default 16 (section 5 of its paper). */
  readonly ratio?: number;
}

type Gradients = Parameters<AdamOptimizer['applyGradients']>[0];

/** Adam whose steps on some variables are `ratio` times as long. */
class LoraPlusOptimizer extends AdamOptimizer {
  private readonly ratio: number;
  private readonly isB: (name: string) => boolean;

  constructor(learningRate: number, ratio: number, isB: (name: string) => boolean) {
    super(learningRate, 0.9, 0.999); // Keras' β
    this.ratio = ratio;
    this.isB = isB;
  }

  override applyGradients(gradients: Gradients): void {
    const names = Array.isArray(gradients) ? gradients.map(({ name }) => name) : Object.keys(gradients);
    const former = new Map<Variable, Tensor>();
    for (const name of names) {
      if (!this.isB(name)) continue;
      const variable = engine().registeredVariables[name]!;
      former.set(variable, keep(variable.clone()));
    }
    super.applyGradients(gradients);
    for (const [b, before] of former) {
      tidy(() => b.assign(add(before, mul(sub(b, before), this.ratio))));
      before.dispose();
    }
  }
}

/**
 * An Adam optimizer for `train` in which every B of the model's adapters, those added later too, learns `ratio` times as
 * fast as A.
 *
 * @throws ArgumentError for a rate that is not positive or a ratio below 1.
 *
 * @example
 * await train(adapted, data.train, { epochs: 3, optimizer: loraPlus(adapted, { learningRate: 2e-4, ratio: 16 }) });
 */
export function loraPlus(adapted: LayersModel, options: LoraPlusOptions = {}): AdamOptimizer {
  const { learningRate = 0.001, ratio = 16 } = options;
  const { sites } = loraOf('loraPlus', adapted);
  if (!(learningRate > 0)) {
    throw new ArgumentError(`loraPlus: learningRate must be positive, got ${learningRate}.`);
  }
  if (!(ratio >= 1) || !Number.isFinite(ratio)) {
    throw new ArgumentError(
      `loraPlus: ratio must be a number ≥ 1, the rate of B over that of A; got ${ratio}.`,
    );
  }
  const isB = (name: string) =>
    sites.some(({ lora }) => [...lora.adapters.values()].some(({ b }) => variableOf(b).name === name));
  return new LoraPlusOptimizer(learningRate, ratio, isB);
}
