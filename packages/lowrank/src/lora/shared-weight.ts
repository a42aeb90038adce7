import type { Variable } from '@tensorflow/tfjs-core';
import { variableOf, type Layer } from '@ockham/core/training';

type LayerWeight = Layer['weights'][number];

/**
 * A layer's weight that reads a variable of another model, never writes it, and can show a variable of its own in
 * its place for a while.
 */
export interface SharedWeight {
  /** The other model's variable. */
  readonly base: Variable;
  /** Shows `own`, which then belongs to the weight; without it, the base again. Disposes of what was shown before. */
  show(own?: Variable): void;
}

/**
 * Lets `weight` read `base` instead of its own variable, which is disposed of. The weight is then frozen for good, and
 * disposing of its layer leaves `base` alive.
 */
export function shareWeight(weight: LayerWeight, base: Variable): SharedWeight {
  variableOf(weight).dispose();
  let shown: Variable | undefined;
  const show = (own?: Variable) => {
    shown?.dispose();
    shown = own;
    pointTo(weight, own ?? base);
  };
  show();
  // the stock setter would write the flag into the other model's variable
  Object.defineProperty(weight, 'trainable', { configurable: true, get: () => false, set: () => undefined });
  weight.dispose = () => shown?.dispose();
  return { base, show };
}

/** Makes `weight` read `variable`. */
export function pointTo(weight: LayerWeight, variable: Variable): void {
  (weight as unknown as { val: Variable }).val = variable;
}
