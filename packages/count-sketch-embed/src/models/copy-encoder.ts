import { ArgumentError } from '@ockham/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { CompressedEmbedding } from '../layers/index.ts';

/**
 * Copies the weights of every layer that both models have by name: from pre-training to fine-tuning. What only one of them
 * has, such as an output table or a classifier, stays behind or as it is.
 *
 * @returns Names of the layers that were copied.
 * @throws ArgumentError where no layer is shared, or two compressed tables of one name hash differently: the numbers of one
 *   mean nothing in the other.
 */
export function copyEncoder(from: LayersModel, to: LayersModel): string[] {
  const targets = new Map(to.layers.map((layer) => [layer.name, layer]));
  const shared = from.layers.filter(({ name, weights }) => weights.length > 0 && targets.has(name));
  if (shared.length === 0) {
    throw new ArgumentError(
      `copyEncoder: '${from.name}' and '${to.name}' must share layers by name, got none. Build both with the same options.`,
    );
  }
  for (const layer of shared) {
    const target = targets.get(layer.name)!;
    if (!(layer instanceof CompressedEmbedding)) continue;
    const [ours, theirs] = [layer, target].map((each) => JSON.stringify(each.getConfig()));
    if (ours === theirs) continue;
    throw new ArgumentError(
      `copyEncoder: both tables '${layer.name}' must be configured alike, seed included, got ${ours} and ${theirs}. Give both models the same table options.`,
    );
  }
  for (const layer of shared) targets.get(layer.name)!.setWeights(layer.getWeights());
  return shared.map(({ name }) => name);
}
