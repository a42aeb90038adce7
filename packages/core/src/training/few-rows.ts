/**
 * Cross-entropy of a few thousand probabilities on the native engine: reading them costs less than one operation of
 * TensorFlow, and the loss with its gradient is some thirty.
 */
import { customGrad, engine, getBackend, scalar, tensor, util } from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** Probabilities up to which they are read: 256 KB. */
const FEW = 2 ** 16;

/**
 * The mean of −log p over the rows, p the probability of a row's class, kept in `[epsilon, 1]`.
 *
 * @param target Classes, of the shape of `prediction` without its last axis; one out of range has the probability 0.
 * @returns undefined where operations are to compute it: another engine, many probabilities, or a gradient of a gradient,
 *   which follows operations alone.
 */
export function crossEntropyOfFew(target: Tensor, prediction: Tensor, epsilon: number): Scalar | undefined {
  const { shape, size, dtype } = prediction;
  const rows = util.arraysEqual(target.shape, shape.slice(0, -1)) && dtype === 'float32' && size > 0;
  if (!rows || size > FEW || getBackend() !== 'tensorflow' || engine().state.gradientDepth > 1)
    return undefined;
  const classes = shape.at(-1)!;
  const labels = target.dataSync<'float32' | 'int32'>();
  const loss = customGrad((input) => {
    const values = (input as Tensor).dataSync<'float32'>();
    const right = Float64Array.from(labels, (label, row) => {
      const at = Math.trunc(label);
      return at >= 0 && at < classes ? values[row * classes + at]! : 0;
    });
    const sum = right.reduce((total, p) => total - Math.log(Math.min(Math.max(p, epsilon), 1)), 0);
    const gradFunc = (dy: Tensor): Tensor => {
      const share = dy.dataSync<'float32'>()[0]! / labels.length;
      const gradient = new Float32Array(size);
      for (const [row, p] of right.entries())
        if (p >= epsilon && p <= 1) gradient[row * classes + Math.trunc(labels[row]!)] = -share / p;
      return tensor(gradient, shape);
    };
    return { value: scalar(sum / labels.length), gradFunc };
  });
  return loss(prediction);
}
