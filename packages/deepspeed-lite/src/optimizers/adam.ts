/**
 * Adam and AdamW: steps by m̂/(√v̂ + ε), with the moments m and v of the gradient, their bias of the first steps taken out.
 *
 * Source: Kingma and Ba 2015, Algorithm 1; Loshchilov and Hutter 2019, Algorithm 2, where the decay acts on the parameters and not
 * through the moments.
 */
import { checkFractions, checkNotNegative } from './check-rates.ts';
import type { FlatOptimizer } from './flat-optimizer.ts';

/** Options of {@link adam} and {@link adamW}. */
export interface AdamOptions {
  /** Decay of the mean, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean square, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0. Default 1e-8. */
  readonly epsilon?: number;
  /** λ ≥ 0. Default 0 for `adam`, where it is added to the gradient, and 0.01 for `adamW`, where θ shrinks by η·λ·θ. */
  readonly weightDecay?: number;
}

/**
 * Adam on the flat vector; 8 bytes of state for each parameter.
 *
 * @throws ArgumentError for options out of range.
 */
export function adam({ weightDecay = 0, ...options }: AdamOptions = {}): FlatOptimizer {
  return adamOf('adam', { ...options, weightDecay }, false);
}

/**
 * Adam with decoupled weight decay; 8 bytes of state for each parameter.
 *
 * @throws ArgumentError for options out of range.
 */
export function adamW({ weightDecay = 0.01, ...options }: AdamOptions = {}): FlatOptimizer {
  return adamOf('adamW', { ...options, weightDecay }, true);
}

function adamOf(
  name: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamOptions,
  decoupled: boolean,
): FlatOptimizer {
  checkFractions(name, { beta1, beta2 });
  checkNotNegative(name, { epsilon, weightDecay });
  const [inGradient, inParameters] = decoupled ? [0, weightDecay] : [weightDecay, 0];
  return {
    name,
    slots: ['m', 'v'],
    step({ parameters, state }, gradients, { step, learningRate }) {
      const [m, v] = [state['m']!, state['v']!];
      const [bias1, bias2] = [1 - beta1 ** step, 1 - beta2 ** step];
      const kept = 1 - learningRate * inParameters;
      for (let i = 0; i < parameters.length; i++) {
        const theta = parameters[i]!;
        const g = gradients[i]! + inGradient * theta;
        const mean = beta1 * m[i]! + (1 - beta1) * g;
        const square = beta2 * v[i]! + (1 - beta2) * g * g;
        m[i] = mean;
        v[i] = square;
        parameters[i] =
          kept * theta - (learningRate * (mean / bias1)) / (Math.sqrt(square / bias2) + epsilon);
      }
    },
  };
}
