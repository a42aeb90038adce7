/**
 * The parts of a mixture of experts, as functions on tensors between which ranks may exchange rows. The caller disposes of the results.
 */
import {
  add,
  concat,
  div,
  gather,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  sum,
  tensor1d,
  tidy,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { firstChoices, tokenOfRow, type Routing } from './routing.ts';

/** Parameters of some experts, e of them: two dense layers each, with relu between. */
export interface ExpertWeights {
  /** `[e, width, hidden]`. */
  readonly kernel1: Tensor;
  /** `[e, 1, hidden]`. */
  readonly bias1: Tensor;
  /** `[e, hidden, width]`. */
  readonly kernel2: Tensor;
  /** `[e, 1, width]`. */
  readonly bias2: Tensor;
}

/** `[tokens, width]` to the rows of the experts, `[experts · C, width]`; places that stay empty are 0. */
export function dispatchTokens(x: Tensor, routing: Routing): Tensor {
  return tidy(() => rowsOrZero(x, tokenOfRow(routing)));
}

/** `[e, rows, width]` through e experts. */
export function applyExperts(x: Tensor, { kernel1, bias1, kernel2, bias2 }: ExpertWeights): Tensor {
  return tidy(() => add(matMul(relu(add(matMul(x, kernel1), bias1)), kernel2), bias2));
}

/**
 * The experts' rows `[experts · C, width]`, weighted by the probabilities `[tokens, experts]`, to `[tokens, width]`: p for one expert,
 * p₁/(p₁ + p₂) and p₂/(p₁ + p₂) for two. A token without an expert is 0.
 */
export function combineTokens(rows: Tensor, probabilities: Tensor, routing: Routing): Tensor {
  return tidy(() => {
    const { tokens, experts, top, expert, row } = routing;
    const width = rows.shape[1]!;
    const flat = tensor1d(
      Int32Array.from(expert, (e, i) => Math.floor(i / top) * experts + e),
      'int32',
    );
    let weights: Tensor = reshape(gather(reshape(probabilities, [-1]), flat), [tokens, top, 1]);
    if (top === 2) weights = div(weights, sum(weights, 1, true));
    return sum(mul(reshape(rowsOrZero(rows, row), [tokens, top, width]), weights), 1);
  });
}

/** E·Σ fₑ·Pₑ: 1 where all experts get as much, up to E. Its gradient goes through Pₑ, the mean probability. */
export function balanceLoss(probabilities: Tensor, routing: Routing): Tensor {
  return tidy(() => mul(sum(mul(mean(probabilities, 0), tensor1d(firstChoices(routing)))), routing.experts));
}

/** Rows of x at `indexes`, 0 for −1. */
function rowsOrZero(x: Tensor, indexes: Int32Array): Tensor {
  const [rows, width] = x.shape as [number, number];
  const at = tensor1d(
    Int32Array.from(indexes, (i) => (i < 0 ? rows : i)),
    'int32',
  );
  return gather(concat([x, zeros([1, width])]), at);
}
