import { ArgumentError } from '@ockham/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { LoraLayer } from './lora-layer.ts';
import type { AdapterPlan } from './options.ts';
import type { LoraSite } from './targets.ts';
import type { WholeLayer } from './whole-layer.ts';

/** A site and the layer that adapts it. */
export interface AdaptedSite extends LoraSite {
  readonly lora: LoraLayer;
}

/** What is known about an adapted model beside its layers. */
export interface LoraState {
  readonly base: LayersModel;
  readonly sites: readonly AdaptedSite[];
  readonly whole: readonly WholeLayer[];
  readonly adapters: Map<string, AdapterPlan>;
  /** How much of each adapter is in use. */
  readonly strengths: Map<string, number>;
  merged: boolean;
}

const states = new WeakMap<LayersModel, LoraState>();

/** Whether a model came from `applyLora`. */
export function isAdapted(model: LayersModel): boolean {
  return states.has(model);
}

/** Remembers what `applyLora` made. */
export function rememberLora(model: LayersModel, state: LoraState): void {
  states.set(model, state);
}

/** @throws ArgumentError naming `who` for a model that `applyLora` did not make. */
export function loraOf(who: string, model: LayersModel): LoraState {
  const state = states.get(model);
  if (state) return state;
  throw new ArgumentError(
    `${who}: needs a model that applyLora made in this program, got ${model.name}. A model that was saved and loaded keeps its adapters only to predict: apply applyLora to the base and load the adapter's own file.`,
  );
}

/** @throws ArgumentError where the adapters are merged. */
export function refuseMerged(who: string, state: LoraState): void {
  if (!state.merged) return;
  throw new ArgumentError(`${who}: the adapters are merged into the kernels. Call unmergeLora first.`);
}

/** @throws ArgumentError for a name that no adapter has, listing those there are. */
export function checkAdapterName(who: string, state: LoraState, name: string): AdapterPlan {
  const plan = state.adapters.get(name);
  if (plan) return plan;
  throw new ArgumentError(
    `${who}: no adapter is called ${name}. There are: ${[...state.adapters.keys()].join(', ') || 'none'}.`,
  );
}
