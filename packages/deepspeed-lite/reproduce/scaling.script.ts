import '@tensorflow/tfjs';
import { takeExamples, type Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend/node';
import { self, type Communicator } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import { initialize } from '@ockham/deepspeed-lite';
import { MODELS, type ModelName, type ModelSizes } from './scaling-models.ts';

/** What two ranks are told. */
export interface ScalingWork {
  readonly engine: string;
  readonly model: ModelName;
  readonly sizes: ModelSizes;
  /** Examples of one rank alone. */
  readonly batch: number;
  readonly turns: number;
}

/** Milliseconds of one update, turn by turn. */
export interface ScalingTimes {
  /** One rank; two with the same batch, and with twice as many examples; two that each take the batch and do not talk. */
  readonly alone: number[];
  readonly strong: number[];
  readonly weak: number[];
  readonly apart: number[];
}

/** Times updates of a model, in turns: by one rank, by all with the same batch, with as many examples on each, and by each for itself. */
export default async function timeScaling(comm: Communicator, work: ScalingWork): Promise<ScalingTimes> {
  const { engine, model, sizes, batch, turns } = work;
  await useBackend(engine as 'wasm', { threads: 1 });
  const all = examplesFor(model, sizes, comm.size * batch);
  const one = takeExamples(all, batch);
  const make = (globalBatch: number, on: Communicator) => initialize(MODELS[model](sizes, 1), { globalBatch }, { comm: on }); // prettier-ignore
  const engines = {
    alone: await make(batch, self()),
    strong: await make(batch, comm),
    weak: await make(comm.size * batch, comm),
    apart: await make(batch, self()),
  };
  const times: ScalingTimes = { alone: [], strong: [], weak: [], apart: [] };
  const variants = Object.keys(times) as (keyof ScalingTimes)[];
  for (let turn = -1; turn < turns; turn++)
    for (const variant of turn % 2 === 0 ? variants : variants.toReversed()) {
      // one that slept while another computed needs a while to wake
      for (let i = 0; i < 3; i++) await comm.barrier();
      const start = performance.now();
      if (variant !== 'alone' || comm.rank === 0)
        await engines[variant].trainBatch(variant === 'weak' ? all : one);
      const end = performance.now();
      if (turn >= 0) times[variant].push(end - start);
    }
  for (const each of Object.values(engines)) await each.close();
  return times;
}

/** Made up: how long an update takes does not depend on them. */
function examplesFor(model: ModelName, { length }: ModelSizes, size: number): Split {
  const random = new Random(7);
  const labels = { values: Int32Array.from({ length: size }, (_, i) => i % 2), shape: [] };
  const x =
    model === 'ResNet'
      ? { values: Float32Array.from({ length: size * 3072 }, () => random.uniform()), shape: [32, 32, 3] }
      : { values: Int32Array.from({ length: size * length }, () => 1 + random.integer(99)), shape: [length] };
  return { size, x, y: labels };
}
