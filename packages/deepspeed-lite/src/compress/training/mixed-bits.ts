/**
 * The bits of each layer that lose least within a budget of size: an integer programme, solved exactly.
 *
 * Source: the programme of HAWQ-V3 (Yao et al. 2021, equation 6); solved by dynamic programming over the sizes that can come about,
 * of which only those stay that no other beats in both size and cost.
 * Deviations: none; the budget is one of size alone, not of latency.
 */
import { ArgumentError } from '@ockham/core';

/** A layer that may have one of several widths. */
export interface MixedLayer {
  /** The layer's name. */
  readonly name: string;
  /** Values of its weights. */
  readonly parameters: number;
  /** What each width that is allowed costs, for example the expected rise of the loss; finite. */
  readonly costs: ReadonlyMap<number, number>;
}

/** An optimal assignment. */
export interface MixedBits {
  /** Bits by the layer's name. */
  readonly bits: ReadonlyMap<string, number>;
  /** Sum of the costs of the chosen widths. */
  readonly cost: number;
  /** Bits of all layers' weights together; scales are not counted. */
  readonly totalBits: number;
  /** `totalBits` ÷ weights. */
  readonly meanBits: number;
}

/** A choice for the layers so far; the choices before it are in `before`. */
interface State {
  readonly size: number;
  readonly cost: number;
  readonly width: number;
  readonly before: State | undefined;
}

/**
 * Minimises the sum of costs over all assignments of at most `budget` bits. Of equal costs the smaller size is taken.
 *
 * @param budget Bits of all weights together: a mean of 5 is 5 · the number of weights.
 * @throws ArgumentError where a layer has no width, names are given twice, a cost is not finite, or even the smallest widths do not fit.
 *
 * @example
 * const layers = [{ name: 'a', parameters: 64, costs: new Map([[8, 0.1], [4, 0.9]]) }];
 * chooseBits(layers, 64 * 6).bits.get('a'); // 4
 */
export function chooseBits(layers: readonly MixedLayer[], budget: number): MixedBits {
  check(layers, budget);
  let states: State[] = [{ size: 0, cost: 0, width: 0, before: undefined }];
  // what the layers to come need at least
  let least = layers.reduce((sum, layer) => sum + smallest(layer), 0);
  for (const layer of layers) {
    least -= smallest(layer);
    const next = states.flatMap((before) =>
      [...layer.costs].map(([width, cost]): State => ({
        size: before.size + width * layer.parameters,
        cost: before.cost + cost,
        width,
        before,
      })),
    );
    states = undominated(next.filter(({ size }) => size + least <= budget));
  }
  const best = states.at(-1)!; // larger states are cheaper, or they would be dominated
  const widths: number[] = [];
  for (let at: State | undefined = best; at?.before; at = at.before) widths.unshift(at.width);
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  return {
    bits: new Map(layers.map(({ name }, i) => [name, widths[i]!])),
    cost: best.cost,
    totalBits: best.size,
    meanBits: best.size / parameters,
  };
}

/** Those that no other is at most as large and at most as costly as, by size. */
function undominated(states: readonly State[]): State[] {
  const sorted = states.toSorted((a, b) => a.size - b.size || a.cost - b.cost);
  const kept: State[] = [];
  for (const state of sorted) if (state.cost < (kept.at(-1)?.cost ?? Infinity)) kept.push(state);
  return kept;
}

function smallest({ costs, parameters }: MixedLayer): number {
  return Math.min(...costs.keys()) * parameters;
}

function check(layers: readonly MixedLayer[], budget: number): void {
  const who = 'chooseBits';
  if (layers.length === 0) throw new ArgumentError(`${who}: needs at least one layer, got none.`);
  const names = new Set<string>();
  for (const { name, parameters, costs } of layers) {
    if (names.has(name)) throw new ArgumentError(`${who}: "${name}" is given twice. Give each layer a name of its own.`); // prettier-ignore
    names.add(name);
    if (!(Number.isInteger(parameters) && parameters >= 1))
      throw new ArgumentError(`${who}: parameters of ${name} must be an integer ≥ 1, got ${parameters}.`);
    if (costs.size === 0) throw new ArgumentError(`${who}: ${name} must have at least one width, got none.`);
    for (const [width, cost] of costs) {
      if (width > 0 && Number.isFinite(width) && Number.isFinite(cost)) continue;
      throw new ArgumentError(`${who}: widths must be positive and costs finite, got ${width} bits at ${cost} for ${name}.`); // prettier-ignore
    }
  }
  const needed = layers.reduce((sum, layer) => sum + smallest(layer), 0);
  if (needed <= budget) return;
  throw new ArgumentError(`${who}: the budget must be at least ${needed} bits, that of the smallest widths, got ${budget}. Raise it, or allow smaller widths.`); // prettier-ignore
}
