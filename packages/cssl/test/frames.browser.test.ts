import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { expect, it } from 'vitest';
import { learnFor, tableOneLearner } from './fixtures/table-one-learner.ts';
import type { FromWorker, ToWorker } from './frames.worker.ts';

const MILLISECONDS = 700;
const ROUNDS = 3;

/** Frames a second that the page shows until `work` has ended. */
async function framesDuring(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  let frames = 0;
  let ended = false;
  const next = (): void => {
    frames++;
    if (!ended) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  await work.finally(() => (ended = true));
  return (1000 * frames) / (performance.now() - start);
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[(list.length - 1) / 2]!;
const rest = () => new Promise((resolve) => setTimeout(resolve, MILLISECONDS));

it('a page goes on showing frames while a worker of it learns, as it cannot while it learns itself', async ({
  annotate,
}) => {
  await useBackend('wasm', { wasmPaths, threads: 1 });
  const worker = new Worker(new URL('./frames.worker.ts', import.meta.url), { type: 'module' });
  const ask = (message: ToWorker) =>
    new Promise<FromWorker>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => resolve(data);
      worker.onerror = ({ message: text }) => reject(new Error(text));
      worker.postMessage(message);
    });
  const own = tableOneLearner();
  const rounds = { idle: [] as number[], 'worker learns': [] as number[], 'page learns': [] as number[] };
  let steps = 0;
  try {
    await ask({ wasmPaths });
    await learnFor(own, 500);
    for (let round = 0; round < ROUNDS; round++) {
      rounds.idle.push(await framesDuring(rest()));
      const learning = ask({ milliseconds: MILLISECONDS });
      rounds['worker learns'].push(await framesDuring(learning));
      steps += (await learning).steps;
      rounds['page learns'].push(await framesDuring(learnFor(own, MILLISECONDS)));
    }
  } finally {
    worker.terminate();
    own.dispose();
  }
  const perSecond = Object.entries(rounds).map(
    ([name, frames]) => `${name}: ${median(frames).toFixed(1)} frames/s`,
  );
  await annotate(`${perSecond.join(', ')}; ${Math.round((steps / ROUNDS / MILLISECONDS) * 1000)} steps/s`);
  expect(steps).toBeGreaterThan(0);
  expect(median(rounds['worker learns'])).toBeGreaterThan(median(rounds['page learns']));
});
