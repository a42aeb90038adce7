import { tidy } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { flatLayers, variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { switchTo } from './adapters.ts';
import { loraOf, refuseMerged } from './lora-state.ts';
import { kernelOf } from './targets.ts';

/**
 * Merges the adapters in use into one kernel per layer, W₀ + Σ s·AB: predictions cost what the base's cost. The same model
 * is returned. The merged kernels stand beside the base's, which are not written, so that {@link unmergeLora} restores
 * the base bit for bit and other models on it see nothing. Merged adapters do not train.
 *
 * @throws ArgumentError where they are merged already, or none is in use.
 */
export function mergeLora(adapted: LayersModel): LayersModel {
  const who = 'mergeLora';
  const state = loraOf(who, adapted);
  if (state.merged) {
    throw new ArgumentError(
      `${who}: the adapters of ${adapted.name} are merged already; merging twice would add them twice. Call unmergeLora first.`,
    );
  }
  if ([...state.strengths.values()].every((strength) => strength === 0)) {
    throw new ArgumentError(`${who}: no adapter is in use. Choose one with setAdapters.`);
  }
  state.merged = true;
  for (const { lora } of state.sites) lora.showMerged(true);
  switchTo(state, new Map(state.strengths));
  return adapted;
}

/**
 * Undoes {@link mergeLora}: the base's kernels, untouched, are in use again, and the adapters beside them.
 *
 * @throws ArgumentError where nothing is merged.
 */
export function unmergeLora(adapted: LayersModel): LayersModel {
  const who = 'unmergeLora';
  const state = loraOf(who, adapted);
  if (!state.merged) {
    throw new ArgumentError(`${who}: nothing is merged in ${adapted.name}. Call mergeLora first.`);
  }
  state.merged = false;
  for (const { lora } of state.sites) lora.showMerged(false);
  switchTo(state, new Map(state.strengths));
  return adapted;
}

/**
 * The adapters in use as a model of stock layers, of the base's topology and size, on variables of its own: to save, serve
 * or adapt again. The adapted model and the base stay as they are. The caller disposes of it.
 *
 * @throws ArgumentError where the adapters are merged: then unmerge first, this merges itself.
 *
 * @example
 * const plain = await bakeLora(adapted);
 * await plain.save('file://sst2');
 */
export async function bakeLora(adapted: LayersModel): Promise<LayersModel> {
  const state = loraOf('bakeLora', adapted);
  refuseMerged('bakeLora', state);
  const plain = await cloneModel(state.base);
  const bases = flatLayers(state.base);
  const copies = flatLayers(plain);
  for (const { layer, lora } of state.sites) {
    const kernel = kernelOf(copies[bases.indexOf(layer)]!);
    tidy(() => kernel.assign(lora.mergedKernel()));
  }
  for (const { layer, shown } of state.whole) {
    const copy = copies[bases.indexOf(layer)]!;
    for (const { base, value } of shown) {
      const i = layer.weights.findIndex((weight) => weight.read() === base);
      variableOf(copy.weights[i]!).assign(value);
    }
  }
  return plain;
}
