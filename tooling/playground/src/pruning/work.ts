import { compareLatency, evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { train, variableOf } from '@ockham/core/training';
import { encodeSparseModel, prune, sparsify } from '@ockham/fw-prune';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fetchDigits, type Digits } from '../work/digits-file.ts';
import { startEngine } from '../work/engine.ts';
import type { OpenWork } from '../work/protocol.ts';
import type { PrunedNetwork, PruningCommand, PruningReport } from './messages.ts';

const EPOCHS = 6;
const BATCH = 64;
const ITERATIONS = 4;

interface Trained {
  readonly digits: Digits;
  readonly dense: LayersModel;
}

/** A network for digits, trained once and pruned to what the visitor asks for. */
export const openPruning: OpenWork<PruningCommand, PruningReport> = (report, { digits: address }) => {
  let trained: Trained | undefined;

  const trainDense = async (seed: number, signal: AbortSignal): Promise<void> => {
    await startEngine();
    const digits = await fetchDigits(address);
    const dense = mlp({ units: [300, 100], seed });
    await train(dense, digits.train, {
      epochs: EPOCHS,
      batchSize: BATCH,
      optimizer: { name: 'adam', learningRate: 2e-3 },
      seed,
      signal,
      progress: ({ done, total, metrics }) =>
        report({ kind: 'training', done, total, loss: metrics?.loss ?? NaN }),
    });
    trained = { digits, dense };
    report({ kind: 'network', network: await describe(trained, dense, 0, signal) });
  };

  const pruneTo = async (sparsity: number, seed: number, signal: AbortSignal): Promise<void> => {
    const { digits, dense } = trained!;
    const { model, masks } = await prune(
      dense,
      { train: digits.train },
      {
        ...{ sparsity, iterations: ITERATIONS, seed, signal, report: false },
        retrain: { epochs: 1, batchSize: BATCH, optimizer: { name: 'adam', learningRate: 2e-3 } },
        onIteration: ({ iteration }) => report({ kind: 'pruning', sparsity, iteration, of: ITERATIONS }),
      },
    );
    try {
      report({ kind: 'network', network: await describe(trained!, model, sparsity, signal) });
    } finally {
      masks.dispose();
      model.dispose();
    }
  };

  return async (command, signal) => {
    if (command.do === 'train' || !trained) await trainDense(command.seed, signal);
    if (command.do === 'prune' && command.sparsity > 0) await pruneTo(command.sparsity, command.seed, signal);
  };
};

async function describe(
  { digits, dense }: Trained,
  model: LayersModel,
  sparsity: number,
  signal: AbortSignal,
): Promise<PrunedNetwork> {
  const { accuracy } = await evaluate(model, digits.test);
  const { bytes } = await encodeSparseModel(model);
  const [first, second] = await kernelsOf(model);
  const fast = await sparsify(model, { batch: [1] });
  try {
    const [row] = await compareLatency(
      { dense, pruned: fast.model },
      { batch: [1], repeats: 100, warmup: 20, signal },
    );
    const weights = (await kernelsOf(model)).flatMap((values) => [...values]);
    return {
      ...{ sparsity, accuracy, bytes: bytes.length },
      nonZeros: weights.filter((value) => value !== 0).length,
      weights: weights.length,
      latency: row!.latencies.pruned!.median,
      speedup: row!.speedup.pruned!,
      kernel: greyLevels(second!.map(Math.abs)),
      kernelShape: [300, 100],
      reads: greyLevels(readsOfPixels(first!)),
    };
  } finally {
    fast.dispose();
  }
}

async function kernelsOf(model: LayersModel): Promise<Float32Array[]> {
  const kernels = model.layers.flatMap(({ weights }) =>
    weights.filter(({ originalName }) => originalName.endsWith('/kernel')),
  );
  return Promise.all(kernels.map((kernel) => variableOf(kernel).data<'float32'>()));
}

function readsOfPixels(kernel: Float32Array): Float32Array {
  const units = kernel.length / (28 * 28);
  const counts = new Float32Array(28 * 28);
  kernel.forEach((value, i) => (counts[Math.floor(i / units)]! += value === 0 ? 0 : 1));
  return counts;
}

/** 0 stays 0 and everything else is at least 40, to be seen. */
function greyLevels(values: Float32Array): Uint8Array {
  const most = values.reduce((a, b) => Math.max(a, b), 0) || 1;
  return Uint8Array.from(values, (value) => (value === 0 ? 0 : 40 + Math.round((215 * value) / most)));
}
