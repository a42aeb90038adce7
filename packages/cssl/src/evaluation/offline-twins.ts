import { ArgumentError, selectExamples, throwIfAborted, type Progress, type Split } from '@ockham/core';
import { sha256 } from '@ockham/core/files';
import { evaluate } from '@ockham/core/metrics';
import { train, type SnapshotStore, type TrainOptions } from '@ockham/core/training';
import { getBackend } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { examplesUntil, type Stream } from '../stream/stream.ts';

/** Options of {@link offlineAccuracies}. */
export interface OfflineTwinOptions {
  /** A fresh model for each test, with an output for each class of the data; disposed of here. */
  readonly build: () => LayersModel;
  /** How it is trained, its seed included; plain data, so that equal configurations are found again. */
  readonly training: Omit<TrainOptions, 'signal' | 'progress' | 'checkpoint' | 'onEpoch' | 'onSnapshot'>;
  /**
   * Whatever else the accuracy depends on, for example the model's name and seed and the data's name. Together with
   * the training, the stream's examples and the engine it is the key of the cache.
   */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Finds the store of a key, for example `offlineCache()` in Node. Default: nothing is kept. */
  readonly cache?: (key: string) => SnapshotStore;
  /** During each training; the stage says which twin. */
  readonly progress?: Progress;
  /** Ends the work between two steps of a training. */
  readonly signal?: AbortSignal;
}

/** Accuracies of an offline twin on the test examples of the classes seen so far. */
export interface OfflineAccuracy {
  /** Examples of the stream that the twin was trained on. */
  readonly after: number;
  /** In [0, 1]. */
  readonly top1: number;
  /** In [0, 1]; the right class among the five most probable. */
  readonly top5: number;
}

/**
 * α_offline,t of Ω_all: at each test of the stream, a fresh model trained offline on all examples seen by then, as
 * often as the training says.
 *
 * @throws ArgumentError as `train` does; AbortedError when the signal fires: what was finished is in the cache.
 *
 * @example
 * const offline = await offlineAccuracies(stream, data.test, {
 *   build: () => mlp({ units: [400], seed: 1 }),
 *   training: { epochs: 5, seed: 1 },
 *   configuration: { data: 'mnist', model: 'mlp-400', seed: 1 },
 *   cache: offlineCache(),
 * });
 * omegaAll(tests.map((t) => t.top1), offline.map((t) => t.top1));
 */
export async function offlineAccuracies(
  stream: Stream,
  test: Split,
  options: OfflineTwinOptions,
): Promise<OfflineAccuracy[]> {
  const { training, configuration = {}, cache, progress, signal } = options;
  if (cache !== undefined && !isPlain({ training, configuration })) {
    throw new ArgumentError(
      'offlineAccuracies: with a cache, training and configuration must be plain data, no functions or objects of classes. Leave out the cache, or name an optimizer by its spec.',
    );
  }
  const found: OfflineAccuracy[] = [];
  for (const [t, { after, classes }] of stream.events.entries()) {
    throwIfAborted(signal, `offlineAccuracies (test ${t + 1} of ${stream.events.length})`);
    const seen = examplesUntil(stream, after);
    const store = cache?.(
      await keyOf(
        seen,
        test,
        [...classes].sort((a, b) => a - b),
        { training, configuration },
      ),
    );
    const kept = await store?.read();
    if (kept) {
      found.push(kept.meta as unknown as OfflineAccuracy);
      continue;
    }
    const stage = `offline twin ${t + 1}/${stream.events.length}`;
    const model = options.build();
    try {
      await train(model, seen, {
        ...training,
        ...(signal && { signal }),
        ...(progress && { progress: (event) => progress({ ...event, stage }) }),
      });
      const result = { after, ...(await accuraciesOf(model, test, classes)) };
      await store?.write({ meta: result, arrays: {} });
      found.push(result);
    } finally {
      model.dispose();
    }
  }
  return found;
}

async function accuraciesOf(
  model: LayersModel,
  test: Split,
  classes: readonly number[],
): Promise<{ top1: number; top5: number }> {
  const seen = new Set(classes);
  const rows = Array.from({ length: test.size }, (_, i) => i).filter((i) => seen.has(test.y.values[i]!));
  const outputs = model.outputs[0]!.shape.at(-1) ?? 5;
  const { accuracy, topK } = await evaluate(model, selectExamples(test, rows), {
    topK: Math.min(5, outputs),
  });
  return { top1: accuracy, top5: topK! };
}

/** SHA-256 over the configuration and the examples themselves. */
async function keyOf(
  seen: Split,
  test: Split,
  classes: readonly number[],
  configuration: object,
): Promise<string> {
  const parts = await Promise.all(
    [seen.x.values, seen.y.values, test.x.values, test.y.values].map((values) =>
      sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    ),
  );
  const text = JSON.stringify({ ...configuration, engine: getBackend(), classes, parts });
  return sha256(new TextEncoder().encode(text));
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'function') return false;
  if (typeof value !== 'object' || value === null) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && !Array.isArray(value)) return false;
  return Object.values(value).every(isPlain);
}
