import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { learnFor, tableOneLearner } from './fixtures/table-one-learner.ts';

/** What a page sends first: where the engine's binaries are served; then how long to learn. */
export type ToWorker =
  { readonly wasmPaths: Readonly<Record<string, string>> } | { readonly milliseconds: number };

/** What it hears each time it is done: the steps since. */
export interface FromWorker {
  readonly steps: number;
}

const learner = async (wasmPaths: Readonly<Record<string, string>>) => {
  await useBackend('wasm', { wasmPaths, threads: 1 });
  return tableOneLearner();
};

let made: ReturnType<typeof learner> | undefined;

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  void (async () => {
    if ('wasmPaths' in data) made = learner(data.wasmPaths);
    const steps = await learnFor(await made!, 'wasmPaths' in data ? 500 : data.milliseconds); // first to warm up
    postMessage({ steps } satisfies FromWorker);
  })();
});
