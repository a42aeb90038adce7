import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '@ockham/core/files';
import type { Precision } from './config.ts';

/** Rounds values to those that 16 bits hold, in place; nothing for float32. */
export function rounding(precision: Precision): ((values: Float32Array) => void) | undefined {
  if (precision === 'float32') return undefined;
  return precision === 'bfloat16'
    ? (values) => values.set(fromBfloat16(toBfloat16(values)))
    : (values) => values.set(fromFloat16(toFloat16(values)));
}
