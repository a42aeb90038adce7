import { ArgumentError } from '@ockham/core';
import { flatLayers, variableOf, type Layer } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Which weights learn. */
export interface FrozenParts {
  /** Those of the trunk that learn, in its order. */
  readonly learning: Variable[];
  /** For each of them the number of its layer, from 0. */
  readonly layerOf: number[];
  /** Batch normalisation whose scale and offset are frozen: its statistics are, too. */
  readonly frozenNorms: Layer[];
  /** Parameters held as they are, and all that could learn, the head of the given model included. */
  readonly frozen: number;
  readonly total: number;
}

/**
 * Freezes the first weights of a model, whole tensors in the order of its layers, as many as fit into a fraction of the
 * parameters that could learn (Figure 2). The head always learns.
 *
 * @throws ArgumentError for a fraction outside of [0, 1].
 */
export function freezeFirst(
  who: string,
  model: LayersModel,
  trunk: LayersModel,
  fraction: number,
): FrozenParts {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new ArgumentError(
      `${who}: freeze must be a fraction of the parameters in [0, 1], got ${fraction}. A quarter is 0.25.`,
    );
  }
  const total = [...new Set(model.trainableWeights.map(variableOf))].reduce((sum, v) => sum + v.size, 0);
  const learning: Variable[] = [];
  const layerOf: number[] = [];
  const frozenNorms: Layer[] = [];
  let seen = 0;
  let frozen = 0;
  for (const [index, layer] of [...new Set(flatLayers(trunk))].entries()) {
    const weights = layer.trainableWeights.map(variableOf);
    for (const weight of weights) {
      seen += weight.size;
      if (seen <= fraction * total) {
        frozen = seen;
        continue;
      }
      seen = Number.POSITIVE_INFINITY; // what comes after the first that learns does, too
      learning.push(weight);
      layerOf.push(index);
    }
    const learns = weights.some((weight) => learning.includes(weight));
    if (!learns && layer.getClassName() === 'BatchNormalization') frozenNorms.push(layer);
  }
  return { learning, layerOf, frozenNorms, frozen, total };
}
