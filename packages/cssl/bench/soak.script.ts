/**
 * `pnpm soak [--examples 50000] [--minutes 0] [--model cnn|mlp] [--save]`: a learner on a stream of at least so many examples and so
 * many minutes, and whether tensors and memory stay flat: from the second tenth of the samples, when all classes are known
 * and the buffer is full, to the last, the medians of memory must not rise by more than 5 %, and tensors not at all.
 */
import '@tensorflow/tfjs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Soak } from '@ockham/bench';
import { useBackend } from '@ockham/core/backend/node';
import { mlp, tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import type { Example } from '@ockham/cssl';
import { coldStart } from '@ockham/cssl/node';
import { strokes } from './strokes.ts';

const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '50000' },
    minutes: { type: 'string', default: '0' },
    model: { type: 'string', default: 'cnn' },
    save: { type: 'boolean', default: false },
  },
});
const examples = Number(values.examples);
const seconds = 60 * Number(values.minutes);
const CLASSES = 10;
const SAMPLES = 100;

const { name: engine } = await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
const model = values.model === 'mlp' ? mlp({ units: [400], seed: 7 }) : tableOneCnn({ seed: 7 });
const learner = coldStart(model, {
  replay: { capacity: Math.min(2_000, Math.max(CLASSES, Math.floor(examples / 20))), codec: 'jpeg' },
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  learningRate: 0.02,
  seed: 7,
});
const file = join(tmpdir(), `ockham-soak-${process.pid}.ockham`);
const soak = new Soak('examples');
const every = Math.max(1, Math.floor(examples / SAMPLES));

/** All classes within the first twentieth; later ones come back in turns, a run of one class each. */
function* stream(): Generator<Example> {
  const random = new Random(7);
  const run = Math.max(1, Math.floor(examples / 20 / CLASSES));
  for (let i = 0; i < examples || soak.seconds < seconds; i++)
    yield { x: strokes(random), y: Math.floor(i / run) % CLASSES };
}

await learner.fit(stream(), {
  checkpoint: file,
  snapshotEvery: Math.max(1, Math.floor(examples / 10)),
  onStep: async () => {
    if (learner.counters.examples % every !== 0) return;
    await learner.predict(strokes(new Random(learner.counters.examples)));
    soak.sample(learner.counters.examples);
  },
});
await rm(file, { force: true });

await soak.end(
  values.save ? new URL(`results/soak/${values.model}-${engine}.json`, import.meta.url) : undefined,
  { question: 'Do tensors and memory stay flat over a long stream?', engine, model: values.model },
);
