import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layerPaths } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import { matchRules, type Targets } from '../layer-rules.ts';
import { refusalOf } from './split-layer.ts';

/**
 * The layers that can be written as two, by path, in the model's order: those that `targets` names, else all.
 *
 * @throws ArgumentError where a rule matches none of them, listing those there are.
 */
export function layersToFactor(
  who: string,
  model: LayersModel,
  targets: Targets | undefined,
): Map<string, Layer> {
  const able = new Map([...layerPaths(model)].filter(([layer]) => !refusalOf(layer)));
  const chosen =
    targets === undefined ? able : matchRules(who, 'targets', able, targets, 'that can be written as two');
  return new Map([...chosen].map(([layer, path]) => [path, layer]));
}
