import { ArgumentError, NonFiniteError, valuesPerExample, type Column, type Split } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import {
  batchRange,
  toOptimizer,
  trainableVariables,
  trainStep,
  type LossFunction,
  type OptimizerSpec,
} from '@ockham/core/training';
import { tidy, type Optimizer, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A model that gives logits, an optimizer, and counts of what training cost. */
export class Classifier {
  readonly model: LayersModel;
  readonly classes: number;
  /** Classes that appeared; predictions are among them. */
  readonly seen: Set<number> = new Set<number>();
  updates = 0;
  trained = 0;
  readonly #who: string;
  readonly #random: Random;
  #optimizer: { optimizer: Optimizer; own: boolean };
  readonly #spec: OptimizerSpec;

  /** @param model Gives logits; the caller disposes of it. */
  constructor(who: string, model: LayersModel, spec: OptimizerSpec, seed: Seed) {
    this.model = model;
    this.classes = model.outputs[0]!.shape.at(-1)!;
    this.#who = who;
    this.#random = toRandom(seed).stream('classifier');
    this.#spec = spec;
    this.#optimizer = toOptimizer(spec);
  }

  /** @throws ArgumentError for a label that the model has no output for. */
  meet(label: number): void {
    if (label >= this.classes) {
      throw new ArgumentError(
        `${this.#who}: labels must be in [0, ${this.classes - 1}], one for each output of the model; got ${label}. Build it with more classes.`,
      );
    }
    this.seen.add(label);
  }

  /**
   * One optimizer step.
   *
   * @param variables Default: all trainable ones.
   * @throws NonFiniteError where the loss is no number.
   */
  async step(data: Split, loss: LossFunction, variables?: Variable[]): Promise<number> {
    const value = await trainStep(
      this.model,
      this.#optimizer.optimizer,
      data,
      Int32Array.from({ length: data.size }, (_, i) => i),
      {
        loss,
        random: this.#random,
        step: this.updates,
        variables: variables ?? trainableVariables(this.model),
      },
    );
    this.updates++;
    this.trained += data.size;
    if (!Number.isFinite(value)) {
      throw new NonFiniteError(
        `${this.#who}: the loss became ${value} at step ${this.updates}. Lower the learning rate, now ${this.#spec.learningRate}.`,
      );
    }
    return value;
  }

  /** Forgets the optimizer's averages, for a training from anew. */
  restartOptimizer(): void {
    this.#optimizer.optimizer.dispose();
    this.#optimizer = toOptimizer(this.#spec);
  }

  get optimizer(): Optimizer {
    return this.#optimizer.optimizer;
  }

  /** Logits `[size, classes]`, −∞ for classes that have not appeared. */
  async scores(inputs: Split): Promise<Float32Array> {
    const logits = await outputsOf(this.model, inputs);
    for (let c = 0; c < this.classes; c++) {
      if (this.seen.has(c)) continue;
      for (let at = c; at < logits.length; at += this.classes) logits[at] = -Infinity;
    }
    return logits;
  }

  dispose(): void {
    this.#optimizer.optimizer.dispose();
  }
}

/** What a model gives for all examples of a split at once, in inference mode: `[size, …]`. */
export async function outputsOf(model: LayersModel, inputs: Split): Promise<Float32Array> {
  const output = tidy(() => model.apply(batchRange(inputs, 0, inputs.size).x, { training: false }) as Tensor);
  const values = (await output.data()) as Float32Array;
  output.dispose();
  return values.slice();
}

/** As {@link outputsOf}, a few examples at a time: for splits that do not fit at once. */
export async function outputsInBatches(
  model: LayersModel,
  inputs: Split,
  batch = 256,
): Promise<Float32Array> {
  let all: Float32Array | undefined;
  for (let from = 0; from < inputs.size; from += batch) {
    const to = Math.min(from + batch, inputs.size);
    const part = await outputsOf(model, rowsOf(inputs, from, to));
    const width = part.length / (to - from);
    all ??= new Float32Array(inputs.size * width);
    all.set(part, from * width);
  }
  return all!;
}

/** Examples `from` … `to − 1`, without copying. */
export function rowsOf(split: Split, from: number, to: number): Split {
  const part = (column: Column): Column => {
    const width = valuesPerExample(column);
    return { ...column, values: column.values.subarray(from * width, to * width) };
  };
  return { size: to - from, x: part(split.x), y: part(split.y) };
}
