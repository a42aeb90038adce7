import { self, type Communicator } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { clone, customGrad, serialization, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { initialize } from '../src/index.ts';

const events: string[] = [];

/** Says when the backward pass goes through it. */
class Recorder extends layers.Layer {
  static className = 'Recorder';
  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const record = customGrad((y) => {
      const gradFunc = (dy: Tensor): Tensor => {
        events.push('backward');
        return clone(dy);
      };
      return { value: clone(y as Tensor), gradFunc };
    });
    return tidy(() => record(x));
  }
}
serialization.registerClass(Recorder);

/** Says when a reduction starts. */
function recorded(comm: Communicator): Communicator {
  return new Proxy(comm, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'split') return async () => recorded((await target.split(0))!);
      if (typeof value !== 'function') return value;
      if (name === 'allReduce' || name === 'reduce') events.push(`reduce`);
      return value.bind(target) as unknown;
    },
  });
}

it.each([0, 1, 2, 3] as const)(
  'at ZeRO-%i reductions start while the backward pass goes on',
  async (zero) => {
    const { train } = gaussianClusters({ classes: 3, features: 6, examples: 8, separation: 3, seed: 7 });
    const model = sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [6] }),
        new Recorder({}),
        layers.dense({ units: 4 }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    const engine = await initialize(
      model,
      { zero, globalBatch: 8, bucketSize: 1 },
      { comm: recorded(self()) },
    );
    events.length = 0;
    await engine.trainBatch(train);
    expect(events.slice(0, 4)).toEqual(['reduce', 'reduce', 'backward', 'reduce']);
  },
);
