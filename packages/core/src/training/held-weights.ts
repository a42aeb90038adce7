/** Weights that are no variables of TensorFlow.js: packed matrices that a layer keeps in memory of its own. */
import type { Layer } from './layers.ts';

/** One of them. */
export interface HeldWeight {
  /** Name within the layer, `kernel` for example, as FLOP rules and counts know it. */
  readonly name: string;
  /** Numbers that it stands for. */
  readonly size: number;
  /** Of these, how many are not 0. */
  readonly nonZeros: number;
  /** Resident bytes. */
  readonly bytes: number;
}

/** A layer that holds such weights: they are counted, measured and cloned with the others. */
export interface HoldsWeights {
  /** The weights, in an order that does not change. */
  heldWeights(): readonly HeldWeight[];
  /** Takes the weights of a layer of the same configuration. */
  takeHeldWeights(from: HoldsWeights): Promise<void>;
}

/** Whether a layer holds weights that are no variables. */
export function holdsWeights(layer: Layer): layer is Layer & HoldsWeights {
  return 'heldWeights' in layer && 'takeHeldWeights' in layer;
}

/** What a layer holds beside its variables. */
export function heldWeightsOf(layer: Layer): readonly HeldWeight[] {
  return holdsWeights(layer) ? layer.heldWeights() : [];
}
