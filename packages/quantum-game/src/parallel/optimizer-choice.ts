import { ArgumentError } from '@ockham/core';
import { adam, type AdamOptions } from '../optimizers/adam.ts';
import { lbfgs, type LbfgsOptions } from '../optimizers/lbfgs.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';

/** An optimiser by name with its options, as it can be sent to a worker: `['adam', { learningRate: 0.05 }]`. */
export type OptimizerChoice =
  readonly [name: 'lbfgs', options?: LbfgsOptions] | readonly [name: 'adam', options?: AdamOptions];

/** The optimiser of a choice; `lbfgs` asks for the gradient anew in each round, as the game moves under it. */
export function optimizerOf(who: string, choice: OptimizerChoice = ['lbfgs']): Optimizer {
  if (Array.isArray(choice)) {
    if (choice[0] === 'lbfgs') return lbfgs({ refresh: true, ...choice[1] });
    if (choice[0] === 'adam') return adam(choice[1]);
  }
  throw new ArgumentError(
    `${who}: optimizer must be ['lbfgs', options] or ['adam', options], as functions cannot be sent to workers, got ` +
      `${typeof choice === 'function' ? 'a function' : JSON.stringify(choice)}. For another, give the ranks a script of your own that calls parallelQuantumGameOn.`,
  );
}
