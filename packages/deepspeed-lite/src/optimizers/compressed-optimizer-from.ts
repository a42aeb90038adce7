import { ArgumentError } from '@ockham/core';
import type { CompressedOptimizer } from './compressed-optimizer.ts';
import { ef21, type Ef21Options } from './ef21.ts';
import { oneBitAdam, type OneBitAdamOptions } from './one-bit-adam.ts';
import { oneBitLamb, type OneBitLambOptions } from './one-bit-lamb.ts';
import { zeroOneAdam, type ZeroOneAdamOptions } from './zero-one-adam.ts';

/** A compressed optimizer by name with its options, or one of your own. */
export type CompressedOptimizerConfig =
  | ({ readonly name: 'oneBitAdam' } & OneBitAdamOptions)
  | ({ readonly name: 'zeroOneAdam' } & ZeroOneAdamOptions)
  | ({ readonly name: 'oneBitLamb' } & OneBitLambOptions)
  | ({ readonly name: 'ef21' } & Ef21Options)
  | CompressedOptimizer;

/** Whether a configuration is that of a compressed optimizer, by its name or its slots. */
export function isCompressed(config: unknown): config is CompressedOptimizerConfig {
  if (typeof config !== 'object' || config === null) return false;
  if ('step' in config) return 'slots' in config && !Array.isArray(config.slots);
  return (
    'name' in config && ['oneBitAdam', 'zeroOneAdam', 'oneBitLamb', 'ef21'].includes(config.name as string)
  );
}

/**
 * The compressed optimizer that a configuration names.
 *
 * @throws ArgumentError for an unknown name and for options out of range.
 *
 * @example
 * compressedOptimizerFrom({ name: 'oneBitAdam', warmupSteps: 400 });
 */
export function compressedOptimizerFrom(config: CompressedOptimizerConfig): CompressedOptimizer {
  if ('step' in config) return config;
  switch (config.name) {
    case 'oneBitAdam':
      return oneBitAdam(config);
    case 'zeroOneAdam':
      return zeroOneAdam(config);
    case 'oneBitLamb':
      return oneBitLamb(config);
    case 'ef21':
      return ef21(config);
    default:
      throw new ArgumentError(
        `compressedOptimizerFrom: optimizer must be oneBitAdam, zeroOneAdam, oneBitLamb or ef21, got ${JSON.stringify(config)}.`,
      );
  }
}
