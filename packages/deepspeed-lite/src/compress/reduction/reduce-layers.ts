/**
 * Layer reduction: a transformer of fewer layers, of the same width, whose weights are those of the layers that stay.
 *
 * Paper: section 3.2.1. Source: layer reduction of DeepSpeed Compression (XTC, Wu et al. 2022, section 5.1): the student's layers
 * start as layers of the teacher, by a list.
 * Deviations: layers keep the teacher's names, so that a student's layer and the one it came from are found by name.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import { removeLayers, type LayerChange } from '@ockham/core/graph';

/** Options of {@link reduceLayers}. */
export interface ReduceLayersOptions {
  /** Numbers of the teacher's layers that stay, from 0, rising. */
  readonly keep: readonly number[];
  /** What a name of such a layer's parts starts with, its number captured. Default `encoder/layer_0/…` and `h_0/…`. */
  readonly pattern?: RegExp;
}

/** What {@link reduceLayers} made. */
export interface ReducedModel {
  /** Owned by the caller; not compiled. */
  readonly model: LayersModel;
  /** Numbers of the layers that are gone. */
  readonly removedLayers: readonly number[];
  /** What changed, layer by layer. */
  readonly removed: readonly LayerChange[];
}

const NUMBERED = /^(?:encoder\/layer_|h_)(\d+)\//;

/**
 * The student of a teacher: the layers on the list, with the teacher's weights. Train it with `learnFrom`, or `train`.
 *
 * @param teacher Not changed. Our BERT or GPT, or a model whose repeated layers `pattern` finds.
 * @throws ArgumentError for a list that is empty, not rising or names a layer there is not; NothingChangedError where all stay;
 *   UnsupportedModelError where no name fits the pattern, or a layer does not return the shape that it takes.
 *
 * @example
 * const { model: student } = await reduceLayers(teacher, { keep: [1, 3] });
 */
export async function reduceLayers(
  teacher: LayersModel,
  { keep, pattern = NUMBERED }: ReduceLayersOptions,
): Promise<ReducedModel> {
  const who = 'reduceLayers';
  const parts = new Map<number, string[]>();
  for (const { name } of teacher.layers) {
    const found = pattern.exec(name)?.[1];
    if (found !== undefined) parts.set(Number(found), [...(parts.get(Number(found)) ?? []), name]);
  }
  if (parts.size === 0)
    throw new UnsupportedModelError(`${who}: no layer of ${teacher.name} has a name as ${String(pattern)}. Pass the pattern of its repeated layers.`); // prettier-ignore
  const rising = keep.every((number, i) => i === 0 || number > keep[i - 1]!);
  const unknown = keep.find((number) => !parts.has(number));
  if (keep.length === 0 || !rising || unknown !== undefined) {
    throw new ArgumentError(
      `${who}: keep must list layers of ${[...parts.keys()].join(', ')}, rising, got [${keep.join(', ')}].`,
    );
  }
  const removedLayers = [...parts.keys()].filter((number) => !keep.includes(number));
  if (removedLayers.length === 0)
    throw new NothingChangedError(`${who}: keep names every layer of ${teacher.name}. Leave at least one out.`); // prettier-ignore
  const kinds = new Map(teacher.layers.map((layer) => [layer.name, layer.getClassName()]));
  // an addition goes by itself when its branch is gone
  const names = removedLayers
    .flatMap((number) => parts.get(number)!)
    .filter((name) => kinds.get(name) !== 'Add');
  const { model, removed } = await removeLayers(teacher, names);
  return { model, removedLayers, removed };
}
