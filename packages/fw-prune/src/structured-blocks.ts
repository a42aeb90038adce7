import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError, selectExamples, throwIfAborted, type Split } from '@ockham/core';
import { removeLayers, residualBranches, type LayerChange, type ResidualBranch } from '@ockham/core/graph';
import { evaluate } from '@ockham/core/metrics';
import type { Random } from '@ockham/core/random';
import type { StructuredSettings } from './structured-options.ts';

/** A shallower model, owned by the caller. */
export interface BlocksRemoved {
  readonly model: LayersModel;
  readonly removed: readonly LayerChange[];
  readonly blocks: readonly ResidualBranch[];
}

/**
 * Removes residual blocks one at a time, each time the one without which the loss on `subsample`
 * examples is least: tried, not estimated.
 *
 * @throws UnsupportedModelError if the model has fewer removable blocks than asked for.
 */
export async function removeBlocks(
  model: LayersModel,
  data: Split,
  settings: StructuredSettings,
  random: Random,
  signal?: AbortSignal,
): Promise<BlocksRemoved> {
  const sample = selectExamples(data, random.sample(data.size, Math.min(settings.subsample, data.size)));
  let current: BlocksRemoved = { model, removed: [], blocks: [] };
  while (current.blocks.length < settings.layers) {
    const trials = residualBranches(current.model);
    let best:
      { trial: Awaited<ReturnType<typeof removeLayers>>; block: ResidualBranch; loss: number } | undefined;
    for (const block of trials) {
      throwIfAborted(signal, 'pruneStructured (residual blocks)');
      const trial = await removeLayers(current.model, block.layers);
      const { loss } = await evaluate(trial.model, sample, { loss: settings.retrain.loss });
      const better = best === undefined || loss < best.loss;
      (better ? best?.trial : trial)?.model.dispose();
      if (better) best = { trial, block, loss };
    }
    if (current.model !== model) current.model.dispose();
    if (best === undefined) {
      throw new UnsupportedModelError(
        `pruneStructured: ${model.name} has ${current.blocks.length} residual blocks that can be removed, but layers is ${settings.layers}. Ask for fewer.`,
      );
    }
    const { trial, block } = best;
    current = {
      model: trial.model,
      removed: [...current.removed, ...trial.removed],
      blocks: [...current.blocks, block],
    };
  }
  return current;
}
