/** Tensors of tokens to rows and back. */
import { ArgumentError } from '@ockham/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TransformerWeights } from './read-weights.ts';
import { arrangeRows, checkIds, type Rows } from './rows.ts';

/** Of a batch. */
export interface BatchShape {
  readonly batch: number;
  readonly length: number;
}

/** Reads a batch of tokens. @throws ArgumentError naming `who` for a shape or an id out of range. */
export function inputOf(
  who: string,
  x: Tensor,
  { policy, words, positions, types }: TransformerWeights,
): { readonly rows: Rows; readonly shape: BatchShape } {
  const columns = policy.input === 'ids' ? 1 : 2;
  const [batch, length, last] = x.shape as number[];
  if (x.shape.length !== columns + 1 || (columns === 2 && last !== 2) || !(batch! >= 1 && length! >= 1))
    throw new ArgumentError(
      `${who}: x must be [batch, length${columns === 2 ? ', 2' : ''}] with at least one text of one token, got [${x.shape.join(', ')}].`,
    );
  if (positions && length! > positions.rows)
    throw new ArgumentError(
      `${who}: a text must have at most ${positions.rows} tokens, got ${length}. Cut it off.`,
    );
  const tokens = x.dataSync();
  const first = policy.head.rows === 'first';
  const rows = arrangeRows(tokens, [batch!, length!, columns], { padding: policy.padding, first });
  checkIds(who, 'ids', columns === 1 ? tokens : tokens.filter((_, i) => i % 2 === 0), words.rows);
  if (types) checkIds(who, 'types', rows.kinds, types.rows);
  return { rows, shape: { batch: batch!, length: length! } };
}

/** The shape of what the head makes of a batch. */
export function outputOf({ batch, length }: BatchShape, { policy, outputs }: TransformerWeights): number[] {
  return policy.head.rows === 'first' ? [batch, outputs] : [batch, length, outputs];
}
