/** What is known of a packed matrix without its bytes: it stands in the config of the layer that holds it. */
import { ArgumentError } from '@ockham/core';
import { CODINGS, type Coding, type PackedMatrix } from '@ockham/core/kernels';
import type { serialization } from '@tensorflow/tfjs-core';

/** Sizes of a packed matrix. */
export interface MatrixShape {
  /** How an entry is written. */
  readonly coding: Coding;
  /** Rows: one for each output. */
  readonly outputs: number;
  /** Columns: one for each input. */
  readonly inputs: number;
  /** Inputs that share a scale. */
  readonly group: number;
  /** Number of scales: 1, or one for each group of each output. */
  readonly scales: number;
  /** Whether every scale has a zero point. */
  readonly zeros: boolean;
}

/** The sizes of a matrix. */
export function shapeOf({ coding, outputs, inputs, group, scales, zeros }: PackedMatrix): MatrixShape {
  return { coding, outputs, inputs, group, scales: scales.length, zeros: zeros !== undefined };
}

/** As it stands in a config. */
export function shapeConfig(shape: MatrixShape): serialization.ConfigDict {
  return { ...shape };
}

/**
 * Checks sizes that were read: an unknown coding, as of a bit width out of range, or a count that does not follow.
 *
 * @throws ArgumentError naming `who`.
 */
export function checkMatrixShape(who: string, shape: MatrixShape): void {
  const { coding, outputs, inputs, group, scales, zeros } = shape;
  if (typeof coding !== 'string' || !Object.hasOwn(CODINGS, coding)) {
    throw new ArgumentError(
      `${who}: coding must be one of ${Object.keys(CODINGS).join(', ')}, got ${JSON.stringify(coding)}. Another version may know it.`,
    );
  }
  const positive = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 1;
  const all = outputs * Math.ceil(inputs / group);
  const fits = positive(outputs) && positive(inputs) && positive(group) && group <= inputs;
  if (fits && (scales === 1 || scales === all) && typeof zeros === 'boolean') return;
  throw new ArgumentError(
    `${who}: a packed matrix needs outputs, inputs and group ≥ 1, group ≤ inputs and one scale or one for each group, got ${JSON.stringify(shape)}.`,
  );
}
