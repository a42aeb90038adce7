import type { Communicator } from '@ockham/core/comm';
import { NonFiniteError } from '@ockham/core';

/**
 * The mean of the gradients over the ranks in float32, in place.
 *
 * @throws NonFiniteError on every rank if that of one is not finite.
 */
export async function fullMean(who: string, gradients: Float32Array, comm: Communicator): Promise<void> {
  await comm.allReduce(gradients, 'mean');
  if (!gradients.every(Number.isFinite)) throw notFinite(who);
}

/** What every rank throws when one has a gradient that is not finite. */
export function notFinite(who: string): NonFiniteError {
  return new NonFiniteError(
    `${who}: gradients must be finite on every rank, got NaN or infinity on at least one. Lower the learning rate, or clip the gradients; the state is that of the step before.`,
  );
}
