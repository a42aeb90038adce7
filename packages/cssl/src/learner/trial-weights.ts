import { mul, sub, tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { StepProblem } from './step-problem.ts';

/** Does `work` with other values in the variables. */
export function at<T>(variables: readonly Variable[], values: readonly Tensor[], work: () => T): T {
  const own = variables.map((variable) => variable.clone());
  try {
    for (const [i, variable] of variables.entries()) variable.assign(values[i]!);
    return work();
  } finally {
    for (const [i, variable] of variables.entries()) {
      variable.assign(own[i]!);
      own[i]!.dispose();
    }
  }
}

/** The loss of the batch after a step of η along the gradient. */
export async function lossAfter(
  problem: StepProblem,
  gradients: readonly Tensor[],
  eta: number,
): Promise<number> {
  const { variables } = problem;
  const value = tidy(() =>
    at(
      variables,
      variables.map((variable, i) => sub(variable, mul(gradients[i]!, eta))),
      () => problem.loss(),
    ),
  );
  const [reached] = await value.data();
  value.dispose();
  return reached!;
}
