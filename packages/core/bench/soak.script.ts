/**
 * `pnpm soak [--steps 20000] [--minutes 0] [--save]`: a CNN in training for at least so many steps and so many minutes, with
 * snapshots to a file and evaluations in between, and whether tensors and memory stay flat.
 */
import '@tensorflow/tfjs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useBackend } from '@ockham/core/backend/node';
import { fileStore } from '@ockham/core/files/node';
import { evaluate } from '@ockham/core/metrics';
import { tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { Soak } from '../../../tooling/bench/src/soak.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20000' },
    minutes: { type: 'string', default: '0' },
    save: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
const seconds = 60 * Number(values.minutes);
const EXAMPLES = 512;
const BATCH = 32;
const SAMPLES = 100;

const { name: engine } = await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
const random = new Random(7);
const data = {
  size: EXAMPLES,
  x: { shape: [28, 28, 1], values: Float32Array.from({ length: EXAMPLES * 784 }, () => random.uniform()) },
  y: { shape: [], values: Int32Array.from({ length: EXAMPLES }, () => random.integer(10)) },
};
const model = tableOneCnn({ seed: 7 });
const checkpoint = fileStore(join(tmpdir(), `ockham-soak-${process.pid}.ockham`));
const soak = new Soak('steps');
const every = Math.max(1, Math.floor(steps / SAMPLES));
let done = 0;
for (let run = 0; done < steps || soak.seconds < seconds; run++) {
  // a short run with an optimizer and snapshots of its own, as many as it takes
  const result = await train(model, data, {
    epochs: Math.ceil(every / (EXAMPLES / BATCH)),
    batchSize: BATCH,
    optimizer: { name: 'adam', learningRate: 1e-3 },
    checkpoint,
    seed: run,
  });
  await evaluate(model, data);
  done += result.steps;
  soak.sample(done);
}
await checkpoint.remove();
await soak.end(values.save ? new URL(`results/soak/${engine}.json`, import.meta.url) : undefined, {
  question: 'Do tensors and memory stay flat over long training?',
  engine,
  model: 'the CNN of Table 1, batch 32',
});
model.dispose();
