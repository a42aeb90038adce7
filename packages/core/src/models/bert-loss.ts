import {
  cast,
  div,
  greaterEqual,
  logSumExp,
  maximum,
  mul,
  oneHot,
  scalar,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { LossFunction } from '../training/types.ts';

/**
 * The loss of masked language modelling: −log p of the right token, averaged over the positions that are to be
 * predicted. For `bert({ head: 'language-model' })` with `output: 'logits'`.
 *
 * Targets `[batch, length]` are token ids, or −1 where nothing is to be predicted; predictions are logits
 * `[batch, length, vocabulary]`. A batch with nothing to predict has the loss 0.
 */
export const maskedTokenLoss: LossFunction = (target: Tensor, prediction: Tensor): Tensor => {
  const ids = cast(target, 'int32');
  const wanted = cast(greaterEqual(ids, scalar(0, 'int32')), 'float32'); // [batch, length]
  // an id of −1 gives a row of zeros
  const right = sum(mul(cast(oneHot(ids, prediction.shape.at(-1)!), 'float32'), prediction), -1);
  const count = maximum(sum(wanted), 1);
  return div(sum(mul(sub(logSumExp(prediction, -1), right), wanted)), count);
};
