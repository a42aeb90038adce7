import type { NamedTensorMap, Scalar, Variable } from '@tensorflow/tfjs-core';

/** The objective of one step, on a batch that stays the same however often it is computed. */
export interface StepProblem {
  /** What learns; the head's last. */
  readonly variables: Variable[];
  /** Group of each variable, for steps of their own: its layer. */
  readonly groups: readonly number[];
  /** The loss and its gradients; only the first call may change moving averages. */
  gradients(first: boolean): { readonly value: Scalar; readonly grads: NamedTensorMap };
  /** The loss alone; changes nothing. */
  loss(): Scalar;
  /** The least loss that the targets allow. */
  readonly least: number;
}
