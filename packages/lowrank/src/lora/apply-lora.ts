/**
 * LoRA: low-rank adapters beside frozen weights.
 *
 * Paper: section 2.1 (Hu et al. 2022), equation h = W₀x + s·BAx with A Gaussian, B zero and s = α/r.
 * Deviations: the paper's α r is read as α/r; the deviation of A, which it leaves open, is 1/√fan-in.
 */
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { buildModel, configOf, forEachEntry } from '@ockham/core/graph';
import { checkModel, weightsInOrderOfCreation } from '@ockham/core/models';
import { flatLayers, variableOf, type Layer } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { checkName, growAdapter, switchTo } from './adapters.ts';
import { LoraLayer } from './lora-layer.ts';
import { isAdapted, rememberLora, type AdaptedSite, type LoraState } from './lora-state.ts';
import { planAdapter, ranksOf, type LoraOptions } from './options.ts';
import { shareWeight } from './shared-weight.ts';
import { findSites, kernelOf, matchLayers, type LoraSite } from './targets.ts';
import { WholeLayer } from './whole-layer.ts';

type LayerWeight = Layer['weights'][number];

/**
 * A new model that computes as `model` does and trains low-rank adapters only: `train`, `predict` and `summary` are those
 * of any `LayersModel`, and layers keep their names.
 *
 * The new model reads the base's own variables, never writes them and costs the adapters' memory alone; the base
 * stays as usable as before. It must outlive the adapted model; dispose of both. Frozen batch normalisation keeps its
 * moving statistics, in training too.
 *
 * @param model Dense, Conv1D, Conv2D and Embedding layers can be adapted, those of nested models included.
 * @throws ArgumentError for a rule that matches no layer (the names are listed), a rank beyond min(m, n), other
 *   options out of range, or a model that is adapted already.
 * @throws UnsupportedModelError for a target of another class, with the reason.
 * @throws NonFiniteError where a kernel to adapt holds NaN or infinity.
 *
 * @example
 * const adapted = applyLora(model, { rank: 8, alpha: 16, targets: /query|value/, trainable: 'classifier' });
 * await train(adapted, data.train, { epochs: 3 });
 * const merged = mergeLora(adapted);
 */
export function applyLora(model: LayersModel, options: LoraOptions = {}): LayersModel {
  const who = 'applyLora';
  const { name = 'default' } = options;
  checkModel(who, model);
  if (isAdapted(model)) {
    throw new ArgumentError(`${who}: ${model.name} is adapted already. Use addAdapter for one more.`);
  }
  checkName(who, name);
  const plan = planAdapter(who, options);
  let ranks: number[] = [];
  const { adapted, state } = prepare(who, model, options, (sites) => {
    ranks = ranksOf(who, sites, options.rank ?? 8);
  });
  growAdapter(state, name, plan, ranks, options);
  switchTo(state, new Map([[name, 1]]));
  return adapted;
}

/** An adapted model without an adapter yet. `check` sees the sites before anything is built. */
export function prepare(
  who: string,
  model: LayersModel,
  { targets, trainable }: Pick<LoraOptions, 'targets' | 'trainable'>,
  check: (sites: readonly LoraSite[]) => void = () => undefined,
): { readonly adapted: LayersModel; readonly state: LoraState } {
  const whole = trainable === undefined ? new Map() : matchLayers(who, 'trainable', model, trainable);
  const sites = findSites(who, model, targets, whole);
  for (const site of sites) checkKernel(who, site);
  check(sites);
  const adapted = buildAdapted(who, model, sites);
  const state = connect(model, adapted, sites, whole as ReadonlyMap<Layer, string>);
  rememberLora(adapted, state);
  return { adapted, state };
}

function checkKernel(who: string, { path, layer }: LoraSite): void {
  const values = kernelOf(layer).dataSync();
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new NonFiniteError(
    `${who}: the kernel of ${path} must be finite, got ${values[bad]} at value ${bad}. Load the base again, or leave the layer out of targets.`,
  );
}

function buildAdapted(who: string, model: LayersModel, sites: readonly LoraSite[]): LayersModel {
  const chosen = new Set(sites.map(({ layer }) => layer));
  const config = configOf(model);
  forEachEntry(model, config, (layer, entry) => {
    if (!chosen.has(layer)) return;
    const { name, batchInputShape, dtype } = entry.config;
    const base = { className: entry.className, config: entry.config };
    Object.assign(entry, {
      className: 'LoraLayer',
      config: { name, base, ...(batchInputShape ? { batchInputShape } : {}), ...(dtype ? { dtype } : {}) },
    });
  });
  return buildModel(model, config, who);
}

/** Lets the new model read the base's weights, and gives it its own where layers train whole. */
function connect(
  model: LayersModel,
  adapted: LayersModel,
  sites: readonly LoraSite[],
  whole: ReadonlyMap<Layer, string>,
): LoraState {
  const bases = flatLayers(model);
  const copies = flatLayers(adapted);
  const variables = new Map<LayerWeight, Variable>();
  const from = weightsInOrderOfCreation(model);
  for (const [i, weight] of weightsInOrderOfCreation(adapted).entries()) {
    variables.set(weight, variableOf(from[i]!));
  }
  const state: { sites: AdaptedSite[]; whole: WholeLayer[] } = { sites: [], whole: [] };
  const seen = new Set<LayerWeight>();
  for (const [i, copy] of copies.entries()) {
    const layer = bases[i]!;
    const pairs = copy.weights
      .filter((weight) => !seen.has(weight))
      .map((w) => [w, variables.get(w)!] as const);
    for (const [weight] of pairs) seen.add(weight);
    const path = whole.get(layer);
    if (path !== undefined) {
      state.whole.push(new WholeLayer(path, layer, pairs));
      continue;
    }
    const isSite = copy instanceof LoraLayer;
    if (!isSite) freeze(copy);
    for (const [weight, base] of pairs) {
      const shared = shareWeight(weight, base);
      if (isSite && weight === copy.kernelWeight) copy.shareKernel(shared);
    }
    const site = isSite && sites.find((one) => one.layer === layer);
    if (site) state.sites.push({ ...site, lora: copy });
  }
  return { base: model, ...state, adapters: new Map(), strengths: new Map(), merged: false };
}

/** Batch normalisation would move its statistics, frozen or not. */
function freeze(layer: Layer): void {
  layer.trainable = false;
  if (layer.getClassName() !== 'BatchNormalization') return;
  const stock = layer.call.bind(layer);
  layer.call = (inputs: Tensor | Tensor[], kwargs: Record<string, unknown>) =>
    stock(inputs, { ...kwargs, training: false });
}
