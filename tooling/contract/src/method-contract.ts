import { OckhamError, type Dataset } from '@ockham/core';
import { gaussianClusters } from '@ockham/core/datasets';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { io, memory, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';

/** What a method makes of a model: a new one, and what else has to be disposed of. */
export interface Transformed {
  readonly model: LayersModel;
  dispose?(): void;
}

/** A method with its options filled in. All chance comes from `seed`. */
export type Transform = (model: LayersModel, data: Dataset, seed: number) => Promise<Transformed>;

const FEATURES = 8;

/**
 * What holds of every method that makes one model of another, as a suite of tests: one for each promise and configuration.
 *
 * @param configurations By the name that titles get.
 *
 * @example
 * methodContract('prune', { 'half of the weights': (model, data, seed) => prune(model, data, { sparsity: 0.5, seed }) });
 */
export function methodContract(method: string, configurations: Readonly<Record<string, Transform>>): void {
  describe.each(Object.entries(configurations))(`${method}, %s`, (_, transform) => {
    it('gives finite outputs for one example and for many, and leaves no tensor behind', async () => {
      const before = memory().numTensors;
      const { given, data } = subject();
      const made = await transform(given, data, 7);
      for (const examples of [1, 5]) {
        const outputs = predict(made.model, examples);
        expect(outputs).toHaveLength(3 * examples);
        expect(outputs.every(Number.isFinite)).toBe(true);
      }
      for (const owner of [given, made.model, made]) owner.dispose?.();
      expect(memory().numTensors).toBe(before);
    });

    it('does not change the model that it was given', async () => {
      const { given, data } = subject();
      const before = weightsOf(given);
      const made = await transform(given, data, 7);
      expect(made.model).not.toBe(given);
      expect(weightsOf(given)).toEqual(before);
      for (const owner of [given, made.model, made]) owner.dispose?.();
    });

    it('gives the same bits for the same seed', async () => {
      const [a, b] = [subject(), subject()];
      const first = await transform(a.given, a.data, 7);
      const second = await transform(b.given, b.data, 7);
      expect(weightsOf(second.model)).toEqual(weightsOf(first.model));
      for (const owner of [a.given, b.given, first.model, second.model, first, second]) owner.dispose?.();
    });

    it('gives a model that trains: the gradient reaches its weights', async () => {
      const { given, data } = subject();
      const made = await transform(given, data, 7);
      const before = weightsOf(made.model);
      const { epochs } = await train(made.model, data.train, { epochs: 1, seed: 7 });
      expect(Number.isFinite(epochs[0]!.loss)).toBe(true);
      expect(weightsOf(made.model)).not.toEqual(before);
      for (const owner of [given, made.model, made]) owner.dispose?.();
    });

    it('gives a model that saves and loads to the bit', async () => {
      const { given, data } = subject();
      const made = await transform(given, data, 7);
      let artifacts: io.ModelArtifacts = {};
      await made.model.save(
        io.withSaveHandler((saved) => {
          artifacts = saved;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' },
          });
        }),
      );
      const again = await loadLayersModel(io.fromMemory(artifacts));
      expect(predict(again, 5)).toEqual(predict(made.model, 5));
      for (const owner of [given, again, made.model, made]) owner.dispose?.();
    });

    it('refuses a model that was disposed, by a named error', async () => {
      const { given, data } = subject();
      given.dispose();
      await expect(transform(given, data, 7)).rejects.toBeInstanceOf(OckhamError);
    });
  });
}

/** A small classifier that no training has touched, and data for it. */
function subject(): { given: LayersModel; data: Dataset } {
  return {
    given: mlp({ inputShape: [FEATURES], units: [16, 16], classes: 3, seed: 7 }),
    data: gaussianClusters({ classes: 3, features: FEATURES, examples: 60, separation: 5, seed: 7 }),
  };
}

function weightsOf(model: LayersModel): Float32Array[] {
  return model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());
}

function predict(model: LayersModel, examples: number): Float32Array {
  const input = tensor(
    Float32Array.from({ length: examples * FEATURES }, (_, i) => Math.sin(i)),
    [examples, FEATURES],
  );
  const output = model.predict(input) as Tensor;
  const values = output.dataSync<'float32'>().slice();
  input.dispose();
  output.dispose();
  return values;
}
