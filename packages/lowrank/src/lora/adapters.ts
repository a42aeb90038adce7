import { tidy, zeros, type Tensor } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { columnNorms } from './dora.ts';
import { gaussianFactor, type AdapterSpec, type AdapterValues } from './layer-adapter.ts';
import { checkAdapterName, loraOf, refuseMerged, type AdaptedSite, type LoraState } from './lora-state.ts';
import { planAdapter, ranksOf, type AdapterOptions, type AdapterPlan } from './options.ts';
import { principalFactors } from './pissa.ts';

/** An adapter of a model, and how much of it is in use. */
export interface AdapterSummary extends AdapterPlan {
  /** The adapter's name. */
  readonly name: string;
  /** What its output is multiplied by, beyond s; 0 where it is switched off. */
  readonly strength: number;
}

/**
 * Adds one more adapter on the same base and the same layers, and switches to it. The others keep what they learned;
 * {@link setAdapters} switches back or mixes.
 *
 * @throws ArgumentError for a name that is taken, options out of range, or merged adapters.
 *
 * @example
 * addAdapter(adapted, 'rte', { rank: 4, alpha: 4 });
 * await train(adapted, rte.train, { epochs: 3 });
 * setAdapters(adapted, { sst2: 0.5, rte: 0.5 });
 */
export function addAdapter(adapted: LayersModel, name: string, options: AdapterOptions = {}): void {
  const who = 'addAdapter';
  const state = loraOf(who, adapted);
  refuseMerged(who, state);
  checkName(who, name);
  if (state.adapters.has(name)) {
    throw new ArgumentError(`${who}: ${name} is taken. Choose another name, or call removeAdapter first.`);
  }
  const plan = planAdapter(who, options);
  const ranks = ranksOf(who, state.sites, options.rank ?? 8);
  growAdapter(state, name, plan, ranks, options);
  switchTo(state, new Map([[name, 1]]));
}

/**
 * Chooses the adapters in use: one by its name, or several with weights, whose outputs are added; those not named are
 * switched off and do not train. `setAdapters(adapted, {})` is the base. Nothing is loaded or copied, except for layers
 * that train whole: they mix to W₀ + Σ weight · (W − W₀), and train only where one adapter is in use with weight 1.
 *
 * @throws ArgumentError for an unknown name, a weight that is not finite, or merged adapters.
 */
export function setAdapters(adapted: LayersModel, which: string | Readonly<Record<string, number>>): void {
  const who = 'setAdapters';
  const state = loraOf(who, adapted);
  refuseMerged(who, state);
  const wanted = new Map(Object.entries(typeof which === 'string' ? { [which]: 1 } : which));
  for (const [name, strength] of wanted) {
    checkAdapterName(who, state, name);
    if (Number.isFinite(strength)) continue;
    throw new ArgumentError(`${who}: the weight of ${name} must be a finite number, got ${strength}.`);
  }
  switchTo(state, wanted);
}

/**
 * Multiplies the weight of every adapter in use by `factor`: 0.5 halves what they change, 0 leaves the base.
 *
 * @throws ArgumentError for a factor that is not finite, or merged adapters.
 */
export function scaleLora(adapted: LayersModel, factor: number): void {
  const who = 'scaleLora';
  const state = loraOf(who, adapted);
  refuseMerged(who, state);
  if (!Number.isFinite(factor)) {
    throw new ArgumentError(`${who}: the factor must be a finite number, got ${factor}.`);
  }
  switchTo(state, new Map([...state.strengths].map(([name, strength]) => [name, strength * factor])));
}

/**
 * Forgets an adapter and frees its weights. Where it was in use, the others in use stay so.
 *
 * @throws ArgumentError for an unknown name or merged adapters.
 */
export function removeAdapter(adapted: LayersModel, name: string): void {
  const who = 'removeAdapter';
  const state = loraOf(who, adapted);
  refuseMerged(who, state);
  checkAdapterName(who, state, name);
  state.adapters.delete(name);
  state.strengths.delete(name);
  switchTo(state, new Map(state.strengths)); // before the copies go: a layer may show one
  for (const { lora } of state.sites) lora.removeAdapter(name);
  for (const layer of state.whole) layer.remove(name);
}

/** The adapters of a model in the order in which they came. */
export function listAdapters(adapted: LayersModel): readonly AdapterSummary[] {
  const { adapters, strengths } = loraOf('listAdapters', adapted);
  return [...adapters].map(([name, plan]) => ({ name, strength: strengths.get(name) ?? 0, ...plan }));
}

/** @throws ArgumentError for a name that weight names cannot hold. */
export function checkName(who: string, name: string): void {
  if (/^[\w-]+$/.test(name)) return;
  throw new ArgumentError(
    `${who}: an adapter's name is letters, digits, _ and -, got '${name}'. It becomes part of weight names.`,
  );
}

/** Puts a new adapter's starting values into every layer. */
export function growAdapter(
  state: LoraState,
  name: string,
  plan: AdapterPlan,
  ranks: readonly number[],
  { seed = 0, deviation }: Pick<AdapterOptions, 'seed' | 'deviation'>,
): void {
  const random = toRandom(seed).stream('lora').stream(name);
  for (const [i, site] of state.sites.entries()) {
    const { path, inputs, lora } = site;
    const spec = specOf(name, plan, ranks[i]!);
    tidy(() => {
      const draw = (shape: readonly number[]) =>
        gaussianFactor(shape, plan.heads, deviation ?? 1 / Math.sqrt(inputs), random.stream(path));
      lora.addAdapter(spec, startingValues(site, spec, draw));
    });
  }
  for (const layer of state.whole) layer.add(name);
  state.adapters.set(name, plan);
  state.strengths.set(name, 0);
}

/** Switches to the given strengths; adapters not named are off. */
export function switchTo(state: LoraState, wanted: ReadonlyMap<string, number>): void {
  for (const name of state.adapters.keys()) {
    const strength = wanted.get(name) ?? 0;
    state.strengths.set(name, strength);
    for (const { lora } of state.sites) lora.setStrength(name, strength);
  }
  for (const layer of state.whole) layer.use(state.strengths, state.merged);
}

function specOf(name: string, plan: AdapterPlan, rank: number): AdapterSpec {
  const { alpha, rsLora, heads, dropout, dora, init } = plan;
  const s = alpha / (rsLora ? Math.sqrt(rank) : rank);
  return { name, rank, heads, scale: s / heads, dropout, dora, fromSvd: init === 'pissa', strength: 0 };
}

function startingValues(
  { lora, outputs }: AdaptedSite,
  { rank, heads, scale, dora, fromSvd }: AdapterSpec,
  draw: (shape: readonly number[]) => Tensor,
): AdapterValues {
  const kernel = lora.baseKernel;
  if (fromSvd) {
    const first = principalFactors(kernel, rank, scale);
    return { ...first, first };
  }
  const a = draw([...kernel.shape.slice(0, -1), heads * rank]);
  const b = zeros([heads * rank, outputs]);
  return { a, b, ...(dora ? { magnitude: columnNorms(kernel, a, b, scale) } : {}) };
}
