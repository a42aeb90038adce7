import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { NonFiniteError, type Split } from '@ockham/core';
import { layerPaths, type ChannelGroup, type ChannelSlice } from '@ockham/core/graph';
import { meanGradients, variableOf, type Loss } from '@ockham/core/training';

/**
 * What a channel, row or head is worth:
 * - `magnitude`: the mean |w| of the weights that make it times that of those that read it, DeepSpeed's l1 on both sides;
 * - `gradient`: |Σ w · ∂L/∂w| over the weights that read it, the first-order change of the loss without it (Michel et al.
 *   2019, equation 2, of heads; Molchanov et al. 2019, equation 8).
 */
export type StructuredCriterion = 'magnitude' | 'gradient';

/** Where gradients come from. */
export interface ScoringData {
  readonly data: Split;
  readonly loss?: Loss;
  readonly signal?: AbortSignal;
}

/** A number for each channel of each group, by group id. @throws NonFiniteError naming the group. */
export async function scoreChannels(
  model: LayersModel,
  groups: readonly ChannelGroup[],
  criterion: StructuredCriterion,
  scoring: ScoringData | undefined,
): Promise<ReadonlyMap<string, Float64Array>> {
  const variables = new Map<string, Variable>();
  for (const [layer, path] of layerPaths(model))
    for (const weight of layer.weights)
      variables.set(`${path}/${weight.originalName.split('/').at(-1)}`, variableOf(weight));
  const gradients =
    criterion === 'gradient' && scoring
      ? meanGradients(model, scoring.data, {
          ...(scoring.loss !== undefined && { loss: scoring.loss }),
          ...(scoring.signal && { signal: scoring.signal }),
        })
      : undefined;
  try {
    const scores = new Map<string, Float64Array>();
    for (const group of groups) {
      const sides = (role: ChannelSlice['role']) =>
        group.slices.filter((slice) => slice.role === role && slice.weight !== 'bias');
      const sum = (slices: readonly ChannelSlice[], signed: boolean) =>
        sumOver(slices, group.size, (slice) => {
          const w = variables.get(`${slice.layer}/${slice.weight}`)!;
          const g = gradients?.[w.name];
          return { w, ...(signed && g ? { g } : {}), signed };
        });
      let score: Float64Array;
      if (gradients) score = (await sum(sides('input'), true)).map(Math.abs);
      else {
        const [makes, reads] = [await sum(sides('output'), false), await sum(sides('input'), false)];
        score = makes.map((value, i) => (sides('input').length > 0 ? value * reads[i]! : value));
      }
      const bad = score.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0)
        throw new NonFiniteError(`scoreChannels: the score of channel ${bad} of ${group.id} is ${score[bad]}. Check the model's weights and its loss.`); // prettier-ignore
      scores.set(group.id, score);
    }
    return scores;
  } finally {
    for (const gradient of Object.values(gradients ?? {})) gradient.dispose();
  }
}

interface Terms {
  readonly w: Tensor;
  readonly g?: Tensor;
  /** Whether a weight without a gradient counts nothing. */
  readonly signed: boolean;
}

/** For each channel, Σ |w|, or Σ w·g, over its places in all slices. */
async function sumOver(
  slices: readonly ChannelSlice[],
  size: number,
  termsOf: (slice: ChannelSlice) => Terms,
): Promise<Float64Array> {
  const totals = new Float64Array(size);
  for (const slice of slices) {
    const { w, g, signed } = termsOf(slice);
    if (signed && !g) continue; // a frozen layer
    const values = await w.data<'float32'>();
    const factors = g && (await g.data<'float32'>());
    const length = w.shape[slice.axis]!;
    const inner = w.shape.slice(slice.axis + 1).reduce((a, b) => a * b, 1);
    const along = new Float64Array(length);
    for (let i = 0; i < values.length; i++)
      along[Math.floor(i / inner) % length]! += factors ? values[i]! * factors[i]! : Math.abs(values[i]!);
    for (const [channel, places] of slice.positions.entries())
      for (const place of places) totals[channel]! += along[place]!;
  }
  return totals;
}
