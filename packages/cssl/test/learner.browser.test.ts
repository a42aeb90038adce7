import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { coldStart, type Example } from '@ockham/cssl';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import type { FromWorker, ToWorker } from './learner.worker.ts';

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

/** 4 × 4 images, row `y` bright. */
function bars(count: number): Example[] {
  const random = new Random(7);
  return Array.from({ length: count }, (_, k) => {
    const y = Math.floor((k * 3) / count);
    const x = Uint8Array.from(
      { length: 16 },
      (_, i) => (Math.floor(i / 4) === y ? 150 : 0) + random.integer(80),
    );
    return { x, y };
  });
}

const options = {
  replay: { capacity: 20, batch: 7, codec: 'quantise(4)' },
  learningRate: 0.1,
  seed: 7,
} as const;
const network = (seed: number) => mlp({ inputShape: [4, 4, 1], units: [16], seed });

it('learns in a page, is kept in IndexedDB and goes on to the bit', async () => {
  const examples = bars(90);
  const before = memory().numTensors;
  const [model, other] = [network(7), network(8)];
  const learner = coldStart(model, options);
  await learner.fit(examples.slice(0, 60));
  await learner.save('learner');
  const again = coldStart(other, options);
  expect(await again.load('learner')).toEqual({ lost: [] });
  for (const one of [learner, again]) await one.fit(examples.slice(60));
  const images = examples.map(({ x }) => x);
  const [first, second] = [await learner.predict(images), await again.predict(images)];
  expect(second.probabilities).toEqual(first.probabilities);
  const right = examples.filter(({ y }, i) => first.labels[i] === y).length;
  expect(right / examples.length).toBeGreaterThan(0.9);
  for (const one of [learner, again, model, other]) one.dispose();
  expect(memory().numTensors).toBe(before);
});

it('learns in a worker of the page', async () => {
  const worker = new Worker(new URL('./learner.worker.ts', import.meta.url), { type: 'module' });
  const next = () =>
    new Promise<FromWorker>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  try {
    worker.postMessage({ wasmPaths } satisfies ToWorker);
    expect(await next()).toEqual({ ready: 'wasm' });
    const examples = bars(90);
    worker.postMessage({ examples } satisfies ToWorker);
    const heard = await next();
    if (!('labels' in heard)) throw new Error('no answer');
    expect(heard).toMatchObject({ classes: [0, 1, 2], steps: 90, leaked: 0 });
    const right = examples.filter(({ y }, i) => heard.labels[i] === y).length;
    expect(right / examples.length).toBeGreaterThan(0.9);
  } finally {
    worker.terminate();
  }
});
