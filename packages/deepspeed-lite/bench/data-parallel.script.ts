import '@tensorflow/tfjs';
import { takeExamples, type Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend/node';
import { self, type Communicator } from '@ockham/core/comm';
import { gpt, tableOneCnn } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { initialize, type Engine, type EngineConfig } from '@ockham/deepspeed-lite';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { silent } from './silent.ts';

/** What is timed, and how often. */
export interface Steps {
  readonly engine: 'wasm' | 'tensorflow';
  readonly smoke: boolean;
  readonly repeats: number;
  readonly warmup: number;
}

/** Milliseconds of one update of the same global batch, in turns, one for each repeat. */
export interface StepTimes {
  readonly alone: number[];
  readonly together: number[];
  /** Together, with communication switched off. */
  readonly silent: number[];
  /** Bytes that a rank sends in an update. */
  readonly sent: number;
}

interface Job {
  readonly model: () => LayersModel;
  readonly batch: Split;
  readonly config: EngineConfig;
}

/** Times updates of each model: by one rank, by all, by all without communication. */
export default async function timeSteps(
  comm: Communicator,
  { engine: name, smoke, repeats, warmup }: Steps,
): Promise<Record<string, StepTimes>> {
  await useBackend(name, { threads: 1 });
  const found: Record<string, StepTimes> = {};
  for (const [job, { model, batch, config }] of Object.entries(jobs(smoke))) {
    const make = (on: Communicator): Promise<Engine> => initialize(model(), { ...config, globalBatch: batch.size }, { comm: on }); // prettier-ignore
    const engines = {
      together: await make(comm),
      silent: await make(silent(comm.rank, comm.size)),
      alone: await make(self()),
    };
    const times = { together: [] as number[], silent: [] as number[], alone: [] as number[] };
    const before = engines.together.report().sent;
    const variants = Object.keys(times) as (keyof typeof times)[];
    for (let repeat = -warmup; repeat < repeats; repeat++)
      for (const variant of repeat % 2 === 0 ? variants : variants.toReversed()) {
        // one that slept while another computed needs a while to wake
        for (let i = 0; i < 3; i++) await comm.barrier();
        const start = performance.now();
        if (variant !== 'alone' || comm.rank === 0) await engines[variant].trainBatch(batch);
        const end = performance.now();
        if (repeat >= 0) times[variant].push(end - start);
      }
    const updates = repeats + warmup;
    found[job] = { ...times, sent: (engines.together.report().sent - before) / updates };
    for (const engine of Object.values(engines)) await engine.close();
  }
  return found;
}

function jobs(smoke: boolean): Record<string, Job> {
  const random = new Random(7);
  const images = smoke ? 4 : 128;
  const [texts, length] = smoke ? [2, 8] : [16, 64];
  const pictures: Split = {
    size: images,
    x: { values: Float32Array.from({ length: images * 784 }, () => random.uniform()), shape: [28, 28, 1] },
    y: { values: Int32Array.from({ length: images }, (_, i) => i % 10), shape: [] },
  };
  const ids = { values: Int32Array.from({ length: texts * length }, () => random.integer(67)), shape: [length] }; // prettier-ignore
  const sizes = { vocabulary: 67, positions: length, layers: 4, hidden: smoke ? 16 : 128, dropout: 0 };
  return {
    CNN: { model: () => tableOneCnn({ seed: 7 }), batch: takeExamples(pictures, images), config: {} },
    GPT: {
      model: () => gpt({ ...sizes, seed: 7 }),
      batch: { size: texts, x: ids, y: ids },
      config: { loss: 'crossEntropyFromLogits' },
    },
  };
}
