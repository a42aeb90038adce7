/**
 * The wasm engine with two threads beside the same with one. From packages/core:
 *
 *     OCKHAM_ENGINE=wasm node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only threads
 *
 * Both cores have to be idle: a neighbour that takes half of one takes a quarter of the two. The bench harness stands on
 * this package, so that nothing of it is imported here.
 */
import {
  dispose,
  findBackendFactory,
  matMul,
  oneHot,
  randomUniform,
  registerBackend,
  removeBackend,
  tensor1d,
  train,
  type Rank,
} from '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { tableOneCnn } from '@ockham/core/models';

const n = 1024;
const batch = 128;

export default {
  id: 'core/threads',
  question:
    'How much faster are two threads than one: a product of 1024³, a training step of the Table-1 CNN, batch 128?',
  engine: 'wasm',
  rounds: 25,
  warmup: 5,
  against: {
    'product, 2 threads': 'product, 1 thread',
    'transposed product, 2 threads': 'transposed product, 1 thread',
    'CNN step, 2 threads': 'CNN step, 1 thread',
  },
  async prepare() {
    await freshEngine();
    const { threads, reason } = await useBackend('wasm', { threads: 2 });
    if (threads !== 2) throw new Error(`core/threads: two threads must start, got ${threads}: ${reason}.`);
    const a = randomUniform<Rank.R2>([n, n], -1, 1, 'float32', 1);
    const b = randomUniform<Rank.R2>([n, n], -1, 1, 'float32', 2);
    const model = tableOneCnn({ seed: 7 });
    model.compile({ optimizer: train.adam(1e-3), loss: 'categoricalCrossentropy' });
    const x = randomUniform([batch, 28, 28, 1], 0, 1, 'float32', 3);
    const y = oneHot(tensor1d(Array.from({ length: batch }, (_, i) => i % 10), 'int32'), 10); // prettier-ignore
    const jobs = {
      product: () => dispose(matMul(a, b)),
      'transposed product': () => dispose(matMul(a, b, false, true)),
      'CNN step': async () => void (await model.trainOnBatch(x, y)),
    };
    return {
      variants: Object.fromEntries(
        Object.entries(jobs).flatMap(([name, job]) => [
          [`${name}, 1 thread`, withThreads(1, job)],
          [`${name}, 2 threads`, withThreads(2, job)],
        ]),
      ),
      dispose() {
        dispose([a, b, x, y]);
        model.dispose();
      },
    };
  },
};

/** The harness has loaded the engine for one thread; for two its memory has to be shared. */
async function freshEngine(): Promise<void> {
  await useBackend('wasm');
  const factory = findBackendFactory('wasm');
  removeBackend('wasm');
  registerBackend('wasm', factory, 2);
}

/** Setting the number takes less than a millisecond, whichever it is. */
function withThreads(threads: number, job: () => void | Promise<void>): () => Promise<void> {
  return async () => {
    await useBackend('wasm', { threads });
    await job();
  };
}
