import { ArgumentError, throwIfAborted } from '@ockham/core';
import type { SnapshotStore } from '@ockham/core/training';
import type { Example } from '../image.ts';
import type { FitOptions, FitResult, Observation } from './results.ts';

/** Examples, or mini-batches of them, as they come. */
export type ExampleSource =
  Iterable<Example | readonly Example[]> | AsyncIterable<Example | readonly Example[]>;

/** A learner, as far as a stream needs it. */
export interface Observer {
  observe(examples: Example | readonly Example[]): Promise<Observation>;
  save(place: string | SnapshotStore): Promise<void>;
}

/** Observes a stream to its end, and saves on the way. */
export async function fitStream(
  learner: Observer,
  stream: ExampleSource,
  options: FitOptions,
): Promise<FitResult> {
  const who = 'learner.fit';
  const { signal, progress, total = 0, onStep, checkpoint, snapshotEvery = 1000 } = options;
  if (!(Number.isInteger(snapshotEvery) && snapshotEvery >= 1))
    throw new ArgumentError(`${who}: snapshotEvery must be an integer ≥ 1, got ${snapshotEvery}.`);
  let examples = 0;
  let steps = 0;
  let losses = 0;
  let finite = 0;
  let saved = 0;
  const save = async (): Promise<void> => {
    if (checkpoint === undefined || saved === steps) return;
    await learner.save(checkpoint);
    saved = steps;
  };
  throwIfAborted(signal, who);
  for await (const item of stream) {
    const observation = await learner.observe(item);
    examples += Array.isArray(item) ? item.length : 1;
    steps++;
    if (observation.updated) {
      losses += observation.loss;
      finite++;
    }
    await onStep?.(observation);
    progress?.({ stage: 'stream', done: examples, total, metrics: { loss: observation.loss } });
    if (steps % 16 === 0) await new Promise((resolve) => setTimeout(resolve)); // lets the page, timers and signals breathe
    if (steps % snapshotEvery === 0 || signal?.aborted) await save();
    throwIfAborted(signal, `${who} (after ${examples} examples)`);
  }
  await save();
  return { examples, steps, loss: losses / finite };
}
