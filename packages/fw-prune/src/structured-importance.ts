import type { LayersModel } from '@tensorflow/tfjs-layers';
import { NonFiniteError, type Split } from '@ockham/core';
import type { ChannelGraph, ChannelGroup, ChannelSlice, Removals } from '@ockham/core/graph';
import type { Random } from '@ockham/core/random';
import { meanGradients, variableOf } from '@ockham/core/training';
import { layersByPath } from './structured-costs.ts';
import type { StructuredSettings } from './structured-options.ts';

/** Importance of every channel of every group, by group id. */
export type Importance = ReadonlyMap<string, Float64Array>;

/** One weight as plain numbers. */
interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights or gradients by `layer/weight`. */
export type ValuesByWeight = ReadonlyMap<string, Values>;

/** Examples of one mini-batch of `taylor`: the absolute value is taken of each batch's mean. */
const TAYLOR_BATCH = 64;

/**
 * Scores the channels of the groups that may lose some.
 *
 * @param random A stream of this iteration.
 * @param former G of the iteration before, with the present shapes; for `lmo`.
 * @returns The scores and, for `lmo`, the new G.
 * @throws NonFiniteError if a score is not a number.
 */
export async function importanceOf(
  model: LayersModel,
  groups: readonly ChannelGroup[],
  data: Split,
  settings: StructuredSettings,
  random: Random,
  former: ValuesByWeight,
  signal?: AbortSignal,
): Promise<{ importance: Importance; gradient: ValuesByWeight }> {
  const { criterion, norm, momentum, curvature } = settings;
  const weights = await weightsOf(model);
  const score = (of: (group: ChannelGroup) => Float64Array): Importance =>
    new Map(groups.map((group) => [group.id, of(group)]));
  let importance: Importance;
  let gradient: ValuesByWeight = new Map();
  if (criterion === 'random') {
    importance = score(({ id, size }) =>
      Float64Array.from(
        { length: size },
        (
          (r) => () =>
            r.uniform()
        )(random.stream(id)),
      ),
    );
  } else if (criterion === 'magnitude') {
    importance = score((group) => relativeNorms(group, weights, norm));
  } else {
    const indexes = random.stream('subsample').sample(data.size, Math.min(settings.subsample, data.size));
    const gradientOf = (part: Int32Array) => gradientsOf(model, data, part, settings, signal);
    if (criterion === 'taylor') {
      const totals = new Map(groups.map(({ id, size }) => [id, new Float64Array(size)]));
      for (let from = 0; from < indexes.length; from += TAYLOR_BATCH) {
        const batch = await gradientOf(indexes.subarray(from, from + TAYLOR_BATCH));
        for (const group of groups) {
          const total = totals.get(group.id)!;
          for (const [i, change] of firstOrderChanges(group, weights, batch).entries())
            total[i]! += Math.abs(change);
        }
      }
      importance = totals;
    } else {
      const fresh = await gradientOf(indexes);
      gradient = new Map(
        [...fresh].map(([name, { shape, values }]) => {
          const old = former.get(name)?.values;
          return [name, { shape, values: values.map((value, i) => value + momentum * (old?.[i] ?? 0)) }];
        }),
      );
      const steps = stepsFrom(weights, gradient, groups, curvature);
      importance = score((group) => relativeNorms(group, steps, 'l2'));
    }
  }
  for (const [id, scores] of importance) {
    const bad = scores.findIndex((value) => Number.isNaN(value));
    if (bad < 0) continue;
    throw new NonFiniteError(
      `pruneStructured: the criterion ${criterion} gives NaN for channel ${bad} of ${id}. Check that the model's weights and its loss on the training data are finite.`,
    );
  }
  return { importance, gradient };
}

/** Norms of the kernels that make each channel, relative to the mean in their layer, averaged over the layers. */
function relativeNorms(group: ChannelGroup, weights: ValuesByWeight, norm: 'l1' | 'l2'): Float64Array {
  const scores = new Float64Array(group.size);
  const makers = group.slices.filter(
    ({ role, axis, weight }) => role === 'output' && (axis > 0 || weight !== 'bias'),
  );
  for (const slice of makers) {
    const norms = sums(
      slice,
      weights.get(`${slice.layer}/${slice.weight}`)!,
      norm === 'l1' ? Math.abs : (w) => w * w,
    );
    if (norm === 'l2') for (const [i, square] of norms.entries()) norms[i] = Math.sqrt(square);
    const mean = norms.reduce((a, b) => a + b, 0) / norms.length || 1; // all zero: equally unimportant
    for (const [i, value] of norms.entries()) scores[i]! += value / mean / makers.length;
  }
  return scores;
}

/** Σ w·∂L/∂w over the weights that read each channel. */
function firstOrderChanges(
  group: ChannelGroup,
  weights: ValuesByWeight,
  gradients: ValuesByWeight,
): Float64Array {
  const changes = new Float64Array(group.size);
  for (const slice of group.slices) {
    const name = `${slice.layer}/${slice.weight}`;
    const gradient = gradients.get(name)?.values;
    if (slice.role !== 'input' || gradient === undefined) continue; // a frozen layer has no gradient
    const products = sums(slice, weights.get(name)!, (w, at) => w * gradient[at]!);
    for (const [i, value] of products.entries()) changes[i]! += value;
  }
  return changes;
}

/** w − G/L for the kernels that make channels, L = curvature · ‖G‖/‖w‖ over all of them. */
function stepsFrom(
  weights: ValuesByWeight,
  gradient: ValuesByWeight,
  groups: readonly ChannelGroup[],
  curvature: number,
): ValuesByWeight {
  const names = new Set(
    groups.flatMap(({ slices }) =>
      slices.filter(({ role }) => role === 'output').map(({ layer, weight }) => `${layer}/${weight}`),
    ),
  );
  const norm = (of: ValuesByWeight) =>
    Math.sqrt(
      [...names].reduce(
        (sum, name) => (of.get(name)?.values ?? new Float32Array()).reduce((s, v) => s + v * v, sum),
        0,
      ),
    );
  const [w, G] = [norm(weights), norm(gradient)];
  const step = G === 0 ? 0 : w / (curvature * G); // 1/L
  return new Map(
    [...names].map((name) => {
      const { shape, values } = weights.get(name)!;
      const direction = gradient.get(name)?.values;
      return [name, { shape, values: values.map((value, i) => value - step * (direction?.[i] ?? 0)) }];
    }),
  );
}

/** For each channel of a slice, the sum of `term` over the weight's values at its positions. */
function sums(
  { axis, positions }: ChannelSlice,
  { shape, values }: Values,
  term: (value: number, at: number) => number,
): Float64Array {
  const length = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const along = new Float64Array(length);
  for (let at = 0; at < values.length; at++) along[Math.floor(at / inner) % length]! += term(values[at]!, at);
  return Float64Array.from(positions, (places) => places.reduce((sum, place) => sum + along[place]!, 0));
}

async function weightsOf(model: LayersModel): Promise<ValuesByWeight> {
  const found = new Map<string, Values>();
  for (const [path, layer] of layersByPath(model)) {
    for (const weight of layer.weights) {
      found.set(nameOf(path, weight), {
        shape: weight.shape as number[],
        values: (await weight.read().data<'float32'>()).slice(),
      });
    }
  }
  return found;
}

async function gradientsOf(
  model: LayersModel,
  data: Split,
  indexes: Int32Array,
  { retrain }: StructuredSettings,
  signal: AbortSignal | undefined,
): Promise<ValuesByWeight> {
  const gradients = meanGradients(model, data, { indexes, loss: retrain.loss, ...(signal && { signal }) });
  const found = new Map<string, Values>();
  try {
    for (const [path, layer] of layersByPath(model)) {
      for (const weight of layer.weights) {
        const gradient = gradients[variableOf(weight).name];
        if (gradient)
          found.set(nameOf(path, weight), {
            shape: gradient.shape,
            values: (await gradient.data<'float32'>()).slice(),
          });
      }
    }
  } finally {
    for (const gradient of Object.values(gradients)) gradient.dispose();
  }
  return found;
}

function nameOf(path: string, weight: { readonly originalName: string }): string {
  return `${path}/${weight.originalName.split('/').at(-1)}`;
}

/** What is left of G when channels are removed. */
export function shrinkValues(
  values: ValuesByWeight,
  { groups }: ChannelGraph,
  removals: Removals,
): ValuesByWeight {
  const gone = new Map<string, Map<number, Set<number>>>(); // layer/weight → axis → positions
  for (const { id, slices } of groups) {
    for (const { layer, weight, axis, positions } of slices) {
      const places = (removals.get(id) ?? []).flatMap((i) => positions[i]!);
      if (places.length === 0) continue;
      const axes = gone.get(`${layer}/${weight}`) ?? new Map<number, Set<number>>();
      gone.set(`${layer}/${weight}`, axes.set(axis, new Set([...(axes.get(axis) ?? []), ...places])));
    }
  }
  return new Map(
    [...values].map(([name, { shape, values: old }]) => {
      const axes = gone.get(name);
      if (axes === undefined) return [name, { shape, values: old }];
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      const kept = old.filter(
        (_, at) =>
          ![...axes].some(([axis, places]) => places.has(Math.floor(at / strides[axis]!) % shape[axis]!)),
      );
      return [name, { shape: shape.map((size, axis) => size - (axes.get(axis)?.size ?? 0)), values: kept }];
    }),
  );
}
