import { ArgumentError } from '@ockham/core';
import { adam, adamW, type AdamOptions } from './adam.ts';
import type { FlatOptimizer } from './flat-optimizer.ts';
import { lamb, type LambOptions } from './lamb.ts';
import { lion, type LionOptions } from './lion.ts';
import { sgd, type SgdOptions } from './sgd.ts';

/** The optimizers by name. `momentum` and `nesterov` are `sgd` with momentum 0.9. */
export type OptimizerName = 'sgd' | 'momentum' | 'nesterov' | 'adam' | 'adamW' | 'lamb' | 'lion';

/** An optimizer by name, by name with its options, or one of your own. */
export type OptimizerConfig =
  | OptimizerName
  | ({ readonly name: 'sgd' } & SgdOptions)
  | ({ readonly name: 'adam' | 'adamW' } & AdamOptions)
  | ({ readonly name: 'lamb' } & LambOptions)
  | ({ readonly name: 'lion' } & LionOptions)
  | FlatOptimizer;

const MAKERS: Readonly<Record<OptimizerName, (options: object) => FlatOptimizer>> = {
  sgd,
  momentum: (options) => sgd({ momentum: 0.9, ...options }),
  nesterov: (options) => sgd({ momentum: 0.9, nesterov: true, ...options }),
  adam,
  adamW,
  lamb,
  lion,
};

/**
 * The optimizer that a configuration names.
 *
 * @throws ArgumentError for an unknown name and for options out of range.
 *
 * @example
 * optimizerFrom({ name: 'lamb', weightDecay: 0 });
 */
export function optimizerFrom(config: OptimizerConfig): FlatOptimizer {
  if (typeof config === 'object' && 'step' in config && typeof config.step === 'function') return config;
  const { name, ...options } =
    typeof config === 'string' ? { name: config } : (config as { name: OptimizerName });
  const make = Object.hasOwn(MAKERS, name) ? MAKERS[name] : undefined;
  if (make) return make(options);
  throw new ArgumentError(
    `optimizerFrom: optimizer must be ${Object.keys(MAKERS).join(', ')}, or an object with slots and step, got ${JSON.stringify(config)}.`,
  );
}
