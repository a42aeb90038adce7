import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import { refusalOf } from './split-layer.ts';

type Rule = string | RegExp | ((path: string, layer: Layer) => boolean);

/** Layers by a name, a pattern on the name, a predicate, or a list of these. Names are paths, `outer/inner`. */
export type FactorTargets = Rule | readonly Rule[];

/**
 * The layers that can be written as two, by path, in the model's order: those that `targets` names, else all.
 *
 * @throws ArgumentError where a rule matches none of them, listing those there are.
 */
export function layersToFactor(
  who: string,
  model: LayersModel,
  targets: FactorTargets | undefined,
): Map<string, Layer> {
  const able = new Map(
    [...layerPaths(model)].filter(([layer]) => !refusalOf(layer)).map(([layer, path]) => [path, layer]),
  );
  if (targets === undefined) return able;
  const chosen = new Set<string>();
  for (const rule of ([] as Rule[]).concat(targets)) {
    const matches = [...able].filter(([path, layer]) => {
      if (typeof rule === 'function') return rule(path, layer);
      return typeof rule === 'string' ? rule === path : path.search(rule) >= 0;
    });
    if (matches.length === 0) {
      throw new ArgumentError(
        `${who}: ${typeof rule === 'function' ? 'the predicate' : String(rule)} matches no layer that can be written as two. There are: ${[...able.keys()].join(', ') || 'none'}.`,
      );
    }
    for (const [path] of matches) chosen.add(path);
  }
  return new Map([...able].filter(([path]) => chosen.has(path)));
}
