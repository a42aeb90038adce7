import { ArgumentError } from '@ockham/core';
import type { Layer } from '@ockham/core/training';

/** Which layers: a name, a pattern on the name, or a predicate. Names are paths, `outer/inner` in a nested model. */
export type LayerRule = string | RegExp | ((path: string, layer: Layer) => boolean);

/** One rule, or a list: what any of them names. */
export type Targets = LayerRule | readonly LayerRule[];

/**
 * Those of `layers` that the rules name, in the order of `layers`.
 *
 * @param option What the rules were given as, and `kind` what the layers are, for a message.
 * @throws ArgumentError where a rule names none, listing the names there are.
 */
export function matchRules(
  who: string,
  option: string,
  layers: ReadonlyMap<Layer, string>,
  rules: Targets,
  kind: string,
): Map<Layer, string> {
  const all = [...layers];
  const found = new Set<Layer>();
  for (const rule of ([] as LayerRule[]).concat(rules)) {
    const matches = all.filter(([layer, path]) => fits(rule, path, layer));
    if (matches.length === 0) {
      const what = typeof rule === 'function' ? 'by a predicate' : String(rule);
      throw new ArgumentError(
        `${who}: ${option} ${what} matches no layer ${kind}. There are: ${[...layers.values()].join(', ') || 'none'}.`,
      );
    }
    for (const [layer] of matches) found.add(layer);
  }
  return new Map(all.filter(([layer]) => found.has(layer)));
}

function fits(rule: LayerRule, path: string, layer: Layer): boolean {
  if (typeof rule === 'function') return rule(path, layer);
  return typeof rule === 'string' ? rule === path : path.search(rule) >= 0;
}
