import { takeExamples, type Dataset, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { encodeSparseModel, prune, type PruneOptions } from '@ockham/fw-prune';
import { type Row, trainOnce, type TrainingRun } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cosine, heldCosine } from './falling-rates.ts';

/** How a dense network is trained and then pruned. */
export interface PruningConfig {
  /** Training and test examples used, from the start of each set. */
  readonly examples: number;
  readonly testExamples: number;
  readonly batchSize: number;
  /** Passes of the dense network before anything is pruned. */
  readonly pretrain: number;
  /** Learning rate (Adam) of the dense network; it falls to zero along half a cosine. */
  readonly learningRate: number;
  /** Learning rate (Adam) of retraining; it falls likewise, for gradual methods once they have pruned. */
  readonly retrainLearningRate: number;
  readonly sparsities: readonly number[];
  /** N: prunings of the gradual methods. */
  readonly iterations: number;
  /** E: passes after each of them. Every method gets N·E passes in all. */
  readonly epochs: number;
}

/** A network after a method. `method` is `dense` for the one that was pruned, `dense-longer` after N·E more passes, else the name given. */
export interface PruningRow extends Row {
  readonly network: string;
  readonly method: string;
  /** Fraction of kernel weights asked to go; 0 for dense networks. */
  readonly sparsity: number;
  readonly accuracy: number;
  readonly loss: number;
  /** Kernel weights in all and left. Biases are not counted. */
  readonly weights: number;
  readonly nonZeros: number;
  /** Kernel weights ÷ those left. */
  readonly compression: number;
  /** Passes over the data, pre-training included. */
  readonly passes: number;
  /** The sparse file, header included, in float32 and float16, and the dense float32 weights. */
  readonly fileBytes: number;
  readonly file16Bytes: number;
  readonly denseBytes: number;
}

/** One network and data set of a comparison. */
export interface Subject {
  readonly network: string;
  readonly data: Dataset;
  readonly build: (seed: number) => LayersModel;
}

/** How long the gradual methods prune: most weights early, the last ones slowly, then a quarter of the passes in peace. */
const GRADUAL = { ramp: 0.75 } as const;

type Once = { once<T>(name: string, work: () => T | Promise<T>): Promise<T> };

/**
 * Trains a dense network, and from it: the dense network for N·E passes more, and each method at each sparsity
 * with the same N·E passes.
 *
 * @param wanted Which method at which sparsity; default all.
 */
export async function pruneAndTest(
  run: TrainingRun & Once,
  { network, data, build }: Subject,
  config: PruningConfig,
  methods: Readonly<Record<string, Partial<PruneOptions>>>,
  wanted: (method: string, sparsity: number) => boolean = () => true,
): Promise<PruningRow[]> {
  const { seed, signal, progress } = run;
  const { pretrain, iterations, epochs, learningRate, retrainLearningRate, batchSize } = config;
  const split = takeExamples(data.train, config.examples);
  const more = iterations * epochs;
  const rows: PruningRow[] = [];
  const dense = await trainOnce(run, `${network}-dense`, build(seed), split, {
    epochs: pretrain,
    batchSize,
    optimizer: 'adam',
    learningRate: cosine(learningRate),
  });
  const row = async (model: LayersModel, rest: Pick<PruningRow, 'method' | 'sparsity' | 'passes'>) => ({
    seed,
    network,
    ...rest,
    ...(await figuresOf(model, takeExamples(data.test, config.testExamples))),
  });
  rows.push(
    await run.once(`${network}-dense-row`, () =>
      row(dense, { method: 'dense', sparsity: 0, passes: pretrain }),
    ),
  );
  rows.push(
    await run.once(`${network}-dense-longer-row`, async () => {
      const longer = await trainOnce(run, `${network}-dense-longer`, await cloneModel(dense), split, {
        epochs: more,
        batchSize,
        optimizer: 'adam',
        learningRate: cosine(learningRate),
        seed: seed + 1_000, // other orders than in pre-training
      });
      const result = await row(longer, { method: 'dense-longer', sparsity: 0, passes: pretrain + more });
      longer.dispose();
      return result;
    }),
  );
  for (const [method, options] of Object.entries(methods)) {
    for (const sparsity of config.sparsities.filter((s) => wanted(method, s))) {
      const name = `${network}-${method}-${sparsity}`;
      rows.push(
        await run.once(name, async () => {
          const gradual = method !== 'simple';
          const { model, masks } = await prune(
            dense,
            { train: split },
            {
              method: gradual ? 'frank-wolfe-momentum' : 'simple',
              ...(gradual && GRADUAL),
              sparsity,
              iterations: gradual ? iterations : 1,
              seed,
              signal,
              progress: (event) => progress({ ...event, stage: `${name}: ${event.stage}` }),
              checkpoint: run.checkpoint(name),
              report: false,
              ...options,
              retrain: {
                epochs: gradual ? epochs : more,
                batchSize,
                optimizer: 'adam',
                learningRate: gradual
                  ? heldCosine(retrainLearningRate, GRADUAL.ramp)
                  : cosine(retrainLearningRate),
                optimizerState: 'continued',
                ...options.retrain,
              },
            },
          );
          const result = await row(model, { method, sparsity, passes: pretrain + more });
          masks.dispose();
          model.dispose();
          return result;
        }),
      );
    }
  }
  dense.dispose();
  return rows;
}

async function figuresOf(model: LayersModel, test: Split) {
  const { accuracy, loss } = await evaluate(model, test);
  const full = await encodeSparseModel(model);
  const half = await encodeSparseModel(model, { values: 'float16' });
  const kernels = full.weights.filter(({ shape }) => shape.length > 1);
  const weights = kernels.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const nonZeros = kernels.reduce((sum, kernel) => sum + kernel.nonZeros, 0);
  return {
    accuracy,
    loss,
    weights,
    nonZeros,
    compression: weights / nonZeros,
    fileBytes: full.bytes.byteLength,
    file16Bytes: half.bytes.byteLength,
    denseBytes: full.denseBytes,
  };
}
