import { bench } from '@ockham/bench';
import { tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { trainableVariables, lossFunction, trainStep } from '@ockham/core/training';
import { augmentation, coldStart, ReplayBuffer, type ColdStartOptions, type ImageBatch } from '@ockham/cssl';
import { memory, train } from '@tensorflow/tfjs-core';
import { strokes } from './strokes.ts';

const shape = [28, 28, 1] as const;
const capacity = 1_000;
const codec = 'jpeg';
const pipeline = ['crop-flip', 'autoaugment', 'mixup', 'cutmix'] as const;

export default bench({
  id: 'cssl/observe',
  question:
    'How long does observe() of one example with 31 replayed take, the Table-1 CNN, and how much of it decoding and augmenting?',
  engine: 'wasm',
  rounds: 60,
  warmup: 5,
  seed: 7,
  against: {
    'decode and augment 32': { 'observe, JPEG and all augmentations': 5 },
    'observe, raw images': { 'a training step of 32': 0 },
  },
  async prepare({ smoke }) {
    const random = new Random(7);
    const images = Array.from({ length: smoke ? 40 : capacity }, () => strokes(random));
    const learnerOf = async (options: Partial<ColdStartOptions>) => {
      const learner = coldStart(tableOneCnn({ seed: 7 }), {
        replay: { capacity, codec: options.augment ? codec : 'none' },
        seed: 7,
        ...options,
      });
      for (const [i, x] of images.entries()) learner.buffer.store(x, i % 10);
      for (let y = 0; y < 10; y++) await learner.observe({ x: images[y]!, y });
      let seen = 0;
      return async () => void (await learner.observe({ x: images[++seen % images.length]!, y: seen % 10 }));
    };

    const buffer = new ReplayBuffer({ shape, capacity, codec, seed: 7 });
    for (const [i, x] of images.entries()) buffer.store(x, i % 10);
    const augment = augmentation(pipeline, shape);
    const batch: ImageBatch = {
      shape,
      size: 32,
      pixels: new Float32Array(32 * 784),
      classes: 10,
      targets: new Float32Array(320),
    };

    const model = tableOneCnn({ seed: 7 });
    const optimizer = train.sgd(0.01);
    const values = Uint8Array.from(images.flatMap((x) => [...x]));
    const split = {
      size: images.length,
      x: { values, shape: [...shape], scale: 1 / 255 },
      y: { values: Int32Array.from(images, (_, i) => i % 10), shape: [] },
    };
    let step = 0;

    return {
      variants: {
        'observe, JPEG and all augmentations': await learnerOf({ augment: pipeline }),
        'observe, raw images': await learnerOf({}),
        'a training step of 32': async () => {
          await trainStep(model, optimizer, split, random.sample(split.size, 32), {
            loss: lossFunction('crossEntropy'),
            random,
            step: step++,
            variables: trainableVariables(model),
          });
        },
        'decode and augment 32': () => {
          batch.targets.fill(0.1);
          buffer.read(buffer.sample(32), batch.pixels);
          augment(batch, random);
        },
      },
      figures: { 'tensors held': memory().numTensors },
    };
  },
});
