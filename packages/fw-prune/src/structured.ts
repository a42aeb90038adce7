/**
 * Structured pruning: channels, filters, neurons and residual blocks are removed, not masked.
 *
 * Source: the paper's section 7, "Structured Pruning"; channels are coupled as in Fang et al. 2023, "DepGraph:
 * Towards any structural pruning".
 * Deviations: none from an algorithm, since the paper names the idea only; the criteria stand at
 * {@link StructuredCriterion}.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted } from '@ockham/core';
import { checkPruneData, type PruneData } from './prune-data.ts';
import { checkExclude } from './prunable.ts';
import { structuredSettings, type StructuredOptions, type StructuredResult } from './structured-options.ts';
import type { StructuredPlan } from './structured-plan.ts';
import { StructuredRun } from './structured-run.ts';

/**
 * Makes a model smaller and faster: removes the least important coupled channels, neurons or residual blocks,
 * and retrains what is left. The given model stays as it was.
 *
 * The budget is met exactly in channels, and with the first removal that reaches it in FLOPs. Several
 * iterations approach it in equal steps.
 *
 * @param model A trained model with one input and one output.
 * @param data Training examples; with a test split the history has accuracies. The test split decides nothing.
 * @throws ArgumentError for options out of range, a budget that the floors do not allow, data that does not fit.
 * @throws UnsupportedModelError if no channel can be removed, or fewer blocks than asked for.
 * @throws NothingChangedError if nothing would be removed.
 * @throws AbortedError when the signal fires, after a last checkpoint.
 * @throws DataError if the checkpoint is of another run.
 *
 * @example
 * const { model: faster, report } = await pruneStructured(model, data, { flops: 0.5, retrain: { epochs: 2 }, seed: 7 });
 */
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions & { dryRun: true },
): Promise<StructuredPlan>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions & { dryRun?: false },
): Promise<StructuredResult>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions,
): Promise<StructuredResult | StructuredPlan>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions,
): Promise<StructuredResult | StructuredPlan> {
  const settings = structuredSettings(options);
  checkPruneData('pruneStructured', model, data, settings.retrain.loss);
  checkExclude('pruneStructured', model, settings.exclude);
  throwIfAborted(options.signal, 'pruneStructured');
  const run = new StructuredRun(model, data, settings, options);
  return options.dryRun ? run.plan() : run.run();
}
