import { selectExamples, type Split } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import type { Random } from '@ockham/core/random';
import { initialize, type EngineConfig } from '@ockham/deepspeed-lite';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkConfig } from '../src/engine/config.ts';
import { trainInSequence } from '../src/engine/sequence.ts';

/** What a model has learnt, by the names of its weights. */
export type NamedWeights = ReadonlyMap<string, Float32Array>;

/** A run whose parameters were looked at after some updates. */
export interface LookedAt {
  readonly losses: readonly number[];
  readonly weights: ReadonlyMap<number, NamedWeights>;
}

/** Updates after which parameters are looked at in a run of so many. */
export function looksBefore(steps: number): number[] {
  return [1, 2, 5, 10, 20, 50, 100].filter((step) => step < steps).concat(steps);
}

/** Trains once through the examples, as one of the ranks, and ends the model. */
export async function trainAndLook(
  model: LayersModel,
  settings: EngineConfig,
  split: Split,
  lengths: readonly number[],
  comm: Communicator,
) {
  const engine = await initialize(model, settings, { comm });
  const looks = new Set(lengths.flatMap(looksBefore));
  const weights = new Map<number, NamedWeights>();
  const before = engine.report().sent;
  let sent = 0;
  const { losses } = await engine.fit(split, {
    epochs: 1,
    async onUpdate({ step }) {
      // before anything else is gathered
      if (step === 1) sent = engine.report().sent - before;
      if (looks.has(step)) weights.set(step, weightsByName(await engine.model()));
    },
  });
  const report = { ...engine.report(), table: model.getLayer('wte').countParams() };
  await engine.close();
  model.dispose();
  return { losses, weights, report, sent };
}

/** The same by one rank that does the arithmetic of all in their order, by code of its own. */
export async function inSequence(
  model: LayersModel,
  settings: EngineConfig,
  split: Split,
  ranks: number,
): Promise<LookedAt> {
  const checked = checkConfig('parity', settings, { size: ranks });
  const steps = split.size / checked.globalBatch;
  const { losses } = await trainInSequence(model, checked, split, { steps });
  const weights = new Map([[steps, weightsByName(model)]]);
  model.dispose();
  return { losses, weights };
}

/** The same batches, the examples of each in another order. */
export function reorder(split: Split, batch: number, random: Random): Split {
  const indexes = new Int32Array(split.size);
  for (let at = 0; at < split.size; at += batch)
    indexes.set(random.stream(at).permutation(batch).map((i) => at + i), at); // prettier-ignore
  return selectExamples(split, indexes);
}

/** Values of all weights, copied. */
export function weightsByName(model: LayersModel): NamedWeights {
  const values = model.getWeights();
  return new Map(
    model.weights.map(({ originalName }, i) => [originalName, values[i]!.dataSync<'float32'>().slice()]),
  );
}

/** max |a − b|. */
export function largestDifference(a: NamedWeights, b: NamedWeights): number {
  let most = 0;
  for (const [name, values] of a)
    for (const [i, x] of values.entries()) most = Math.max(most, Math.abs(x - b.get(name)![i]!));
  return most;
}

/** ‖a − b‖ / ‖b‖ over all weights but biases of keys, which have no effect and whose gradients are rounding alone. */
export function relativeDistance(a: NamedWeights, b: NamedWeights): number {
  let [square, norm] = [0, 0];
  for (const [name, values] of b) {
    if (name.includes('attn/key/bias')) continue;
    const other = a.get(name)!;
    for (let i = 0; i < values.length; i++) {
      square += (other[i]! - values[i]!) ** 2;
      norm += values[i]! ** 2;
    }
  }
  return Math.sqrt(square / norm);
}
