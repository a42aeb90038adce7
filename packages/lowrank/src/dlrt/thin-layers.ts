import type { NewLayer } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import { splitLayer } from '../factorise/split-layer.ts';
import { balancedFactors } from './balanced-factors.ts';
import type { FactorValues } from './matrix-factors.ts';

/**
 * The two ordinary layers that compute U diag(σ) Vᵀ x + bias, with √σ in each.
 *
 * @param taken Names that are not free; those given are added.
 */
export async function thinLayers(
  layer: Layer,
  factors: FactorValues,
  bias: Float32Array,
  taken: Set<string>,
): Promise<NewLayer[]> {
  const names = ['u', 'v'].map((suffix) => freeName(`${layer.name}/${suffix}`, taken)) as [string, string];
  return splitLayer(layer, { ...balancedFactors(factors), bias }, names);
}

/** `name`, or the first of `name2`, `name3`, … that is free. */
export function freeName(name: string, taken: Set<string>): string {
  let made = name;
  for (let i = 2; taken.has(made); i++) made = `${name}${i}`;
  taken.add(made);
  return made;
}
