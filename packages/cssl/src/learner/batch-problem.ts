/** The objective of one step: cross-entropy on the new and the replayed examples, soft targets where images were mixed. */
import { lossGradients, withRegularisation, withSeededDropout, type Layer } from '@ockham/core/training';
import type { Random } from '@ockham/core/random';
import {
  add,
  keep,
  logSoftmax,
  mean,
  mul,
  neg,
  sum,
  tensor,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ImageBatch } from '../image.ts';
import type { FrozenParts } from './freeze.ts';
import type { Head } from './head.ts';
import { withFrozenNorms, type MovingAverages } from './moving-averages.ts';
import type { StepProblem } from './step-problem.ts';

/** The parts of a learner that a step computes with. */
export interface LearningParts {
  readonly trunk: LayersModel;
  readonly head: Head;
  readonly parts: FrozenParts;
  readonly averages: MovingAverages;
}

/** What is particular to a step. */
export interface BatchSettings {
  readonly batch: ImageBatch;
  /** Of one example, as the model takes it. */
  readonly inputShape: readonly number[];
  readonly scale: number;
  /** Batch normalisation that keeps its statistics. */
  readonly held: readonly Layer[];
  readonly random: Random;
  /** Number of the step, which dropout depends on. */
  readonly step: number;
}

/** Owns the tensors of its batch. */
export class BatchProblem implements StepProblem {
  readonly variables: Variable[];
  readonly groups: readonly number[];
  readonly least: number;
  readonly #learning: LearningParts;
  readonly #settings: BatchSettings;
  readonly #input: Tensor;
  readonly #targets: Tensor;
  #losses: Tensor | undefined;
  #trained = 0;

  constructor(learning: LearningParts, settings: BatchSettings) {
    const { head, parts } = learning;
    const { batch, inputShape, scale } = settings;
    this.#learning = learning;
    this.#settings = settings;
    this.variables = [...parts.learning, ...head.variables];
    this.groups = [...parts.layerOf, ...head.variables.map(() => -1)];
    this.least = leastLoss(batch.targets, batch.size);
    this.#input = inputOf(batch.pixels, scale, [batch.size, ...inputShape]);
    this.#targets = tensor(batch.targets, [batch.size, batch.classes]);
  }

  /** Examples that went forward and backward so far. */
  get trained(): number {
    return this.#trained;
  }

  gradients(first: boolean): { readonly value: Scalar; readonly grads: NamedTensorMap } {
    this.#trained += this.#settings.batch.size;
    const compute = () => this.#inTraining(() => lossGradients(() => this.#loss(first), this.variables));
    return first ? compute() : this.#learning.averages.hold(compute);
  }

  loss(): Scalar {
    return this.#learning.averages.hold(() => this.#inTraining(() => this.#loss(false)));
  }

  /** Cross-entropy of each example at the first gradients, `[batch]`. */
  async losses(): Promise<Float32Array> {
    return this.#losses!.data<'float32'>();
  }

  dispose(): void {
    for (const value of [this.#input, this.#targets, this.#losses]) value?.dispose();
  }

  #loss(first: boolean): Scalar {
    const { trunk, head } = this.#learning;
    const features = trunk.apply(this.#input, { training: true }) as Tensor;
    const losses = neg(sum(mul(this.#targets, logSoftmax(head.logits(features))), -1)); // [batch]
    if (first) this.#losses = keep(losses);
    const regularised = withRegularisation(mean(losses), trunk);
    const ofHead = head.regularisation();
    return ofHead ? add(regularised, ofHead) : regularised;
  }

  #inTraining<T>(work: () => T): T {
    const { held, random, step } = this.#settings;
    return withFrozenNorms(held, () => withSeededDropout(this.#learning.trunk, random, step, work));
  }
}

/** Grey levels as the model takes them. */
export function inputOf(pixels: Float32Array, scale: number, shape: number[]): Tensor {
  const scaled = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) scaled[i] = pixels[i]! * scale;
  return tensor(scaled, shape);
}

/** The entropy of soft targets, averaged: no model has less cross-entropy on them. */
function leastLoss(targets: Float32Array, size: number): number {
  let total = 0;
  for (const t of targets) if (t > 0) total -= t * Math.log(t);
  return total / size;
}
