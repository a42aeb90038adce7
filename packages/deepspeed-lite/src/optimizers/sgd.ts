/**
 * Stochastic gradient descent with momentum: b ← μ·b + g, θ ← θ − η·b, or with Nesterov's look-ahead θ ← θ − η·(g + μ·b).
 *
 * Source: Polyak 1964; Sutskever, Martens, Dahl and Hinton 2013, in the form where the learning rate does not enter the buffer.
 */
import { ArgumentError } from '@ockham/core';
import { checkFractions, checkNotNegative } from './check-rates.ts';
import type { FlatOptimizer } from './flat-optimizer.ts';

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** μ in [0, 1). Default 0: no buffer is kept. */
  readonly momentum?: number;
  /** Steps from where the momentum leads. Default false. */
  readonly nesterov?: boolean;
  /** λ ≥ 0, added to the gradient as λ·θ. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Gradient descent on the flat vector; 4 bytes of state for each parameter with momentum, none without.
 *
 * @throws ArgumentError for options out of range, and for `nesterov` without momentum.
 */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {}): FlatOptimizer {
  checkFractions('sgd', { momentum });
  checkNotNegative('sgd', { weightDecay });
  if (nesterov && momentum === 0)
    throw new ArgumentError('sgd: nesterov needs momentum in (0, 1), got 0. Set for example 0.9.');
  return {
    name: 'sgd',
    slots: momentum > 0 ? ['momentum'] : [],
    step({ parameters, state }, gradients, { learningRate }) {
      const buffer = state['momentum'];
      for (let i = 0; i < parameters.length; i++) {
        const theta = parameters[i]!;
        const g = gradients[i]! + weightDecay * theta;
        let direction = g;
        if (buffer) {
          const b = momentum * buffer[i]! + g;
          buffer[i] = b;
          direction = nesterov ? g + momentum * b : b;
        }
        parameters[i] = theta - learningRate * direction;
      }
    },
  };
}
