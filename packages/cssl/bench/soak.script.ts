/**
 * `pnpm soak [--examples 50000] [--minutes 0] [--model cnn|mlp] [--save]`: a learner on a stream of at least so many examples and so
 * many minutes, and whether tensors and memory stay flat: from the second tenth of the samples, when all classes are known
 * and the buffer is full, to the last, the medians of memory must not rise by more than 5 %, and tensors not at all.
 */
import '@tensorflow/tfjs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useBackend } from '@ockham/core/backend/node';
import { mlp, tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import type { Example } from '@ockham/cssl';
import { coldStart } from '@ockham/cssl/node';
import { memory } from '@tensorflow/tfjs-core';
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
const TOLERANCE = 0.05;

interface Sample {
  readonly examples: number;
  readonly seconds: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  /** Bytes of the JavaScript engine after a collection, array buffers included. */
  readonly heap: number;
  /** Bytes of the process, the engine's own memory included. */
  readonly resident: number;
}

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('soak: needs --expose-gc, as `pnpm soak` passes it.');

const { name: engine } = await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
const model = values.model === 'mlp' ? mlp({ units: [400], seed: 7 }) : tableOneCnn({ seed: 7 });
const learner = coldStart(model, {
  replay: { capacity: Math.min(2_000, Math.max(CLASSES, Math.floor(examples / 20))), codec: 'jpeg' },
  augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
  learningRate: 0.02,
  seed: 7,
});
const file = join(tmpdir(), `ockham-soak-${process.pid}.ockham`);
const start = performance.now();
const elapsed = () => (performance.now() - start) / 1000;
const every = Math.max(1, Math.floor(examples / SAMPLES));
const samples: Sample[] = [];

/** All classes within the first twentieth; later ones come back in turns, a run of one class each. */
function* stream(): Generator<Example> {
  const random = new Random(7);
  const run = Math.max(1, Math.floor(examples / 20 / CLASSES));
  for (let i = 0; i < examples || elapsed() < seconds; i++)
    yield { x: strokes(random), y: Math.floor(i / run) % CLASSES };
}

function sample(): void {
  collect!();
  const { numTensors, numBytes } = memory();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const now = {
    examples: learner.counters.examples,
    seconds: Math.round(elapsed()),
    tensors: numTensors,
    tensorBytes: numBytes,
    heap: heapUsed + arrayBuffers,
    resident: rss,
  };
  samples.push(now);
  const line = Object.entries(now).map(([key, value]) => `${key} ${value > 1e6 ? `${(value / 2 ** 20).toFixed(1)} MiB` : value}`); // prettier-ignore
  process.stdout.write(`${line.join('  ')}\n`);
}

await learner.fit(stream(), {
  checkpoint: file,
  snapshotEvery: Math.max(1, Math.floor(examples / 10)),
  onStep: async () => {
    if (learner.counters.examples % every !== 0) return;
    await learner.predict(strokes(new Random(learner.counters.examples)));
    sample();
  },
});
await rm(file, { force: true });

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;
const tenth = Math.max(1, Math.floor(samples.length / 10));
const verdicts = Object.fromEntries(
  (['tensors', 'tensorBytes', 'heap', 'resident'] as const).map((key) => {
    const early = median(samples.slice(tenth, 2 * tenth).map((s) => s[key]));
    const late = median(samples.slice(-tenth).map((s) => s[key]));
    const growth = late / early - 1;
    const flat = key.startsWith('tensor') ? late <= early : growth <= TOLERANCE;
    return [key, { early, late, growth, flat }] as const;
  }),
);
for (const [key, { early, late, growth, flat }] of Object.entries(verdicts))
  process.stdout.write(
    `${key}: ${early} → ${late}, ${(100 * growth).toFixed(2)} %: ${flat ? 'flat' : 'NOT FLAT'}\n`,
  );
if (!Object.values(verdicts).every(({ flat }) => flat)) process.exitCode = 1;

if (values.save) {
  const result = {
    question: 'Do tensors and memory stay flat over a long stream?',
    engine,
    model: values.model,
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    examples: learner.counters.examples,
    seconds: Math.round(elapsed()),
    verdicts,
    samples: samples.filter((_, i) => i % 5 === 4),
  };
  await mkdir('bench/results/soak', { recursive: true });
  await writeFile(
    `bench/results/soak/${values.model}-${engine}.json`,
    `${JSON.stringify(result, undefined, 2)}\n`,
  );
}
