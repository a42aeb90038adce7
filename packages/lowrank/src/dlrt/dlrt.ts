/**
 * Dynamical low-rank training: the weights stay on the manifold of low rank while they are trained, and the rank is
 * found on the way.
 *
 * Source: Schotthöfer, Zangrando, Kusch, Ceruti and Tudisco 2022, Low-rank lottery tickets (NeurIPS), Algorithm 1;
 * Tudisco's talk, steps 1 to 5. At fixed rank: Lubich and Oseledets 2014, A projector-splitting integrator for dynamical
 * low-rank approximation (BIT).
 *
 * Deviations: those of `matrix-factors.ts`, `tucker-factors.ts` and `factor-moments.ts`; biases and layers that stay dense are stepped
 * by the same optimizer, with the gradients of the same pass.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, throwIfAborted, type Split } from '@ockham/core';
import { checkFit } from '@ockham/core/training';
import { planLayers } from './layer-plan.ts';
import { LowRankRun } from './low-rank-run.ts';
import type { DlrtOptions, DlrtResult } from './options.ts';

/**
 * Trains a model in low rank. The kernels of the layers in factors, and their gradients, are never formed.
 *
 * @param model Not changed. One input, one output.
 * @param data Training examples, as `train` takes them.
 * @returns A compact, ordinary model, the history of ranks and losses, and the report.
 * @throws ArgumentError for options out of range and data that does not fit, before any work.
 * @throws NothingChangedError if every layer would stay dense.
 * @throws NonFiniteError for NaN in the weights, or when the loss is no longer a number.
 * @throws AbortedError when the signal fires, after a last checkpoint.
 * @throws DataError if the checkpoint is of another run.
 *
 * @example
 * const { model: thin, history, report } = await dlrt(model, data.train, { tolerance: 0.1, epochs: 10 });
 */
export async function dlrt(model: LayersModel, data: Split, options: DlrtOptions): Promise<DlrtResult> {
  checkOptions(options);
  checkFit('dlrt', model, data, { loss: options.loss ?? 'crossEntropy' });
  const plans = planLayers(model, options);
  throwIfAborted(options.signal, 'dlrt');
  const run = await LowRankRun.start(model, plans, options);
  try {
    const initialRanks = run.ranks();
    const history = await run.train(data);
    return { model: await run.compactModel(), initialRanks, history, report: run.report() };
  } finally {
    run.dispose();
  }
}

function checkOptions(options: DlrtOptions): void {
  const { tolerance, rank, optimizer } = options;
  if (tolerance !== undefined && !(tolerance > 0 && tolerance < 1)) {
    throw new ArgumentError(
      `dlrt: tolerance, the part of the singular values that a step may drop, must be in (0, 1), got ${tolerance}. For a rank that never changes set rank.`,
    );
  }
  if (tolerance !== undefined && typeof rank === 'number') {
    throw new ArgumentError(
      `dlrt: give tolerance, for ranks that are found, or rank, for ranks that are fixed; got ${tolerance} and ${rank}.`,
    );
  }
  if (options.convolutions === 'tucker' && typeof options.start === 'function') {
    throw new ArgumentError(
      "dlrt: start as a function gives singular values, of which Tucker's form has a set for each mode. Use 'weights' or 'random'.",
    );
  }
  for (const [name, value, known] of [
    ['norm', options.norm, ['frobenius', 'nuclear']],
    ['convolutions', options.convolutions, ['matrix', 'tucker']],
    ['lastLayer', options.lastLayer, ['dense', 'low-rank']],
    ['optimizer', typeof optimizer === 'object' ? optimizer.name : optimizer, ['sgd', 'momentum', 'adam']],
  ] as const) {
    if (value === undefined || (known as readonly string[]).includes(value)) continue;
    throw new ArgumentError(`dlrt: ${name} must be ${known.join(' or ')}, got ${JSON.stringify(value)}.`);
  }
}
