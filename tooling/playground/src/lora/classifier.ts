import { Random } from '@ockham/core/random';
import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { LENGTH, WORDS } from './sentences.ts';

/** Layers that get adapters. */
export const ADAPTED: readonly string[] = ['phrases', 'meaning'];

/** Words, phrases of three words, the strongest of each kind, and a verdict: `[LENGTH]` ids to two probabilities. */
export function classifier(seed: number): LayersModel {
  const random = new Random(seed).stream('classifier');
  const draw = (layer: string) => ({ seed: random.stream(layer).seed() });
  const { embedding, conv1d, globalMaxPooling1d, dense } = layers;
  const model = sequential();
  const embeddingsInitializer = initializers.randomNormal({ stddev: 0.3, ...draw('words') });
  model.add(
    embedding({
      ...{ name: 'words', inputDim: WORDS.length, outputDim: 32, inputLength: LENGTH },
      embeddingsInitializer,
    }),
  );
  model.add(
    conv1d({
      ...{ name: 'phrases', filters: 64, kernelSize: 3, padding: 'same', activation: 'relu' },
      kernelInitializer: initializers.heNormal(draw('phrases')),
    }),
  );
  model.add(globalMaxPooling1d({ name: 'strongest' }));
  model.add(
    dense({
      ...{ name: 'meaning', units: 64, activation: 'relu' },
      kernelInitializer: initializers.heNormal(draw('meaning')),
    }),
  );
  model.add(
    dense({
      ...{ name: 'verdict', units: 2, activation: 'softmax' },
      kernelInitializer: initializers.glorotNormal(draw('verdict')),
    }),
  );
  return model;
}
