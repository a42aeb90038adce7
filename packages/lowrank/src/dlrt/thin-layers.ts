import type { NewLayer } from '@ockham/core/graph';
import { matrix, type Matrix } from '@ockham/core/linalg';
import type { Layer } from '@ockham/core/training';
import { splitLayer } from '../factorise/split-layer.ts';
import type { FactorValues } from './matrix-factors.ts';

/**
 * The two ordinary layers that compute U diag(σ) Vᵀ x + bias, with √σ in each.
 *
 * @param taken Names that are not free; those given are added.
 */
export async function thinLayers(
  layer: Layer,
  { u, sigma, v }: FactorValues,
  bias: Float32Array,
  taken: Set<string>,
): Promise<NewLayer[]> {
  const names = ['u', 'v'].map((suffix) => freeName(`${layer.name}/${suffix}`, taken)) as [string, string];
  const roots = sigma.map(Math.sqrt);
  return splitLayer(layer, { u: scaled(v, roots), v: scaled(u, roots), bias }, names);
}

/** `name`, or the first of `name2`, `name3`, … that is free. */
export function freeName(name: string, taken: Set<string>): string {
  let made = name;
  for (let i = 2; taken.has(made); i++) made = `${name}${i}`;
  taken.add(made);
  return made;
}

function scaled(a: Matrix, factors: Float64Array): Matrix {
  return matrix(
    a.rows,
    a.columns,
    a.values.map((value, i) => value * factors[i % a.columns]!),
  );
}
