/** Puts whole tensors together from the parts of all ranks of a mesh. */
import type { Communicator } from '@ockham/core/comm';
import type { Range } from '../zero/shares.ts';
import { eachRun, type TensorPart } from './whole-parts.ts';

/** A run of elements of a part that a rank brings. */
export interface Brought extends Range {
  readonly part: TensorPart;
  /** The elements [begin, end) of the part. */
  readonly values: Float32Array;
}

/**
 * A whole tensor, on every rank, bit by bit: each element is brought by one rank. Collective.
 *
 * @param own What this rank brings.
 */
export async function gatherTensor(
  world: Communicator,
  size: number,
  own: readonly Brought[],
): Promise<Float32Array> {
  const whole = new Float32Array(size);
  for (const { part, begin, end, values } of own)
    eachRun(part, begin, end, (inPart, inWhole, length) =>
      whole.set(values.subarray(inPart - begin, inPart - begin + length), inWhole),
    );
  // a sum of bits, all but one of them 0: −0 + 0 would be +0
  if (world.size > 1) await world.allReduce(new Int32Array(whole.buffer));
  return whole;
}
