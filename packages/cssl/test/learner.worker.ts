import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { mlp } from '@ockham/core/models';
import { coldStart, type Example } from '@ockham/cssl';
import { memory } from '@tensorflow/tfjs-core';

/** What a page sends: where the engine's binaries are served, then examples of 4 × 4 pixels. */
export type ToWorker =
  { readonly wasmPaths: Readonly<Record<string, string>> } | { readonly examples: readonly Example[] };

/** What it hears: that the learner is there; what was learnt. */
export type FromWorker =
  | { readonly ready: string }
  | {
      readonly classes: readonly number[];
      readonly steps: number;
      readonly leaked: number;
      readonly labels: Int32Array;
    };

const learner = async (wasmPaths: Readonly<Record<string, string>>) => {
  const { name } = await useBackend('wasm', { wasmPaths, threads: 1 });
  postMessage({ ready: name } satisfies FromWorker);
  const model = mlp({ inputShape: [4, 4, 1], units: [16], seed: 7 });
  return coldStart(model, { replay: { capacity: 20, batch: 7 }, learningRate: 0.1, seed: 7 });
};

let made: ReturnType<typeof learner> | undefined;

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  void (async () => {
    if ('wasmPaths' in data) {
      made = learner(data.wasmPaths);
      return;
    }
    const own = await made!;
    await own.fit(data.examples.slice(0, 10));
    const before = memory().numTensors;
    await own.fit(data.examples.slice(10));
    const { labels } = await own.predict(data.examples.map(({ x }) => x));
    const { classes, counters } = own;
    postMessage({
      classes,
      steps: counters.steps,
      leaked: memory().numTensors - before,
      labels,
    } satisfies FromWorker);
  })();
});
