import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { toRandom } from '@ockham/core/random';
import { distillationFrom } from '@ockham/core/training';
import { identityOf } from './checkpoint.ts';
import type { PruneOptions, PruneResult } from './options.ts';
import { plan, type PrunePlan } from './plan.ts';
import { checkPruneData, type PruneData } from './prune-data.ts';
import { PruningRun } from './pruning-run.ts';
import { compareBeforeAfter } from './report.ts';
import { checkReachable, selectionOf, startingBits } from './selection.ts';
import { settingsOf } from './settings.ts';

/**
 * Prunes a model: removes `sparsity` of its kernels' weights by one of the paper's methods and retrains the rest.
 * The given model stays as it was.
 *
 * @param model A trained model with one input and one output.
 * @param data Training examples; with a test split the history has accuracies. The test split decides nothing.
 * @param options With `dryRun: true` nothing is done and the {@link PrunePlan} is returned.
 * @returns The pruned model, its masks, the history and the report. The caller disposes of model and masks.
 * @throws ArgumentError for options out of range and data that does not fit, before any work.
 * @throws NothingChangedError if no weight would be removed, or a pattern is there already.
 * @throws UnsupportedModelError if no layer can be pruned.
 * @throws AbortedError when the signal fires, after a last checkpoint.
 * @throws DataError if the checkpoint is of another run.
 *
 * @example
 * const { model: pruned, masks, history, report } = await prune(model, data, {
 *   method: 'frank-wolfe-momentum', sparsity: 0.95, iterations: 10, momentum: 0.9, retrain: { epochs: 1 }, seed: 7,
 * });
 * console.log(formatComparison(report!)); // of @ockham/core/metrics
 */
export async function prune(
  model: LayersModel,
  data: PruneData,
  options: PruneOptions & { readonly dryRun: true },
): Promise<PrunePlan>;
export async function prune(
  model: LayersModel,
  data: PruneData,
  options: PruneOptions & { readonly dryRun?: false },
): Promise<PruneResult>;
export async function prune(
  model: LayersModel,
  data: PruneData,
  options: PruneOptions & { readonly dryRun?: boolean },
): Promise<PruneResult | PrunePlan>;
export async function prune(
  model: LayersModel,
  data: PruneData,
  options: PruneOptions & { readonly dryRun?: boolean },
): Promise<PruneResult | PrunePlan> {
  const settings = settingsOf(options);
  checkPruneData('prune', model, data, settings.retrain.loss);
  if (options.dryRun) return plan(model, options, data.train);
  const selection = selectionOf(model, settings.exclude, settings.pattern);
  const bits = await startingBits(selection, settings);
  checkReachable(selection, bits, settings);
  throwIfAborted(options.signal, 'prune');

  const random = toRandom(options.seed ?? 0).stream('prune');
  const { loss = 'crossEntropy', distill } = settings.retrain;
  const lesson = distill
    ? await distillationFrom(model, data.train, loss, distill, options.signal)
    : { data: data.train, loss };
  const pruned = await cloneModel(model);
  let run: PruningRun | undefined;
  try {
    run = new PruningRun(pruned, data, lesson, settings, options, random, bits);
    const identity = options.checkpoint ? await identityOf(model, settings, data.train, random) : '';
    const history = await run.run(identity);
    const { report: wanted = {} } = options;
    const report = wanted && (await compareBeforeAfter(model, pruned, data, loss, wanted, options.signal));
    await options.checkpoint?.remove(); // last: what fails before can be resumed
    return { model: pruned, masks: run.masks, history, ...(report && { report }) };
  } catch (error) {
    run?.masks.dispose();
    pruned.dispose();
    throw error;
  } finally {
    run?.dispose();
  }
}
