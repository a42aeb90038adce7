import { ArgumentError, throwIfAborted, type Progress } from '@ockham/core';
import { checkModel, checkSingleInputAndOutput } from '@ockham/core/models';
import { tile } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { InferenceCosts } from './inference-costs.ts';
import { inputOf } from './input-output.ts';
import { KernelMemory } from './kernel-memory.ts';
import { policyFor, type Policy } from './named-policies.ts';
import { Program } from './program.ts';
import { readWeights } from './read-weights.ts';
import { exampleFor } from './self-check.ts';
import { checkTensorRanks } from './stage-weights.ts';

/** Options of {@link measureInference}. */
export interface MeasureInferenceOptions {
  /** As `accelerate` takes it. Default: what the model's layers say. */
  readonly policy?: Policy;
  /** Texts of a batch, ≥ 1. Default 1. */
  readonly batch?: number;
  /** Numbers of tensor-parallel ranks to measure. Default 1, 2, 4, … up to the fewest heads of a layer. */
  readonly tensor?: readonly number[];
  /** Timed passes, ≥ 1; the least counts: what else the machine does only adds, and to long passes more. Default 7. */
  readonly repeats?: number;
  /** In seconds. Default `performance.now() / 1000`. */
  readonly now?: () => number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/**
 * Times every layer of a model as a rank runs it, alone and as one of several tensor-parallel ones, without communication.
 *
 * @throws As {@link accelerate}; ArgumentError for options out of range.
 */
export async function measureInference(
  model: LayersModel,
  options: MeasureInferenceOptions = {},
): Promise<InferenceCosts> {
  const who = 'measureInference';
  const { batch = 1, repeats = 7, now = () => performance.now() / 1000, progress, signal } = options;
  for (const [name, value] of Object.entries({ batch, repeats }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new ArgumentError(`${who}: ${name} must be an integer ≥ 1, got ${value}.`);
  checkModel(who, model);
  checkSingleInputAndOutput(who, model);
  const weights = await readWeights(model, policyFor(model, options.policy ?? 'auto'));
  const { layers, width, outputs } = weights;
  const most = Math.min(...layers.map(({ heads }) => heads));
  const { tensor = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i) } = options;
  for (const ranks of tensor) checkTensorRanks(who, layers, ranks);
  const one = exampleFor(model, weights, false);
  const x = tile(one, [batch, ...one.shape.slice(1).map(() => 1)]);
  const { rows } = inputOf(who, x, weights);
  one.dispose();
  x.dispose();
  const sums: number[][] = layers.map(() => []);
  const seconds = new Map(tensor.map((ranks) => [ranks, [] as number[]]));
  for (let i = 0; i < layers.length; i++) {
    throwIfAborted(signal, who);
    progress?.({ stage: 'layers', done: i, total: layers.length });
    const passes: { readonly ranks: number; readonly pass: () => number; readonly times: number[] }[] = [];
    for (const ranks of tensor) {
      // the last rank has the largest share
      const place = { tensorRank: ranks - 1, tensorRanks: ranks, begin: i, end: i + 1 };
      const program = new Program(await KernelMemory.make(), weights, place);
      const pass = (): number => {
        const start = now();
        const state = i === 0 ? program.embed(rows) : program.receive(rows);
        const parts: number[] = [];
        for (const { length } of program.run(state)) parts.push(4 * length);
        if (i === layers.length - 1) program.head(state);
        if (ranks > 1) sums[i] = parts;
        return now() - start;
      };
      passes.push({ ranks, pass, times: [] });
    }
    // in turns, so that a machine that slows down slows all of them; the first pass makes room
    for (let repeat = -1; repeat < repeats; repeat++)
      for (const { pass, times } of passes) {
        const time = pass();
        if (repeat >= 0) times.push(time);
      }
    for (const { ranks, times } of passes) seconds.get(ranks)!.push(Math.min(...times));
  }
  const read = rows.read?.length ?? rows.count;
  return { seconds, sums, rowBytes: 4 * rows.count * width, outputBytes: 4 * read * outputs };
}
