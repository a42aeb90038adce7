/** What training changes beside the parameters: moving averages of batch normalisation. Every rank sees other examples. */
import type { Communicator } from '@ockham/core/comm';
import type { Variable } from '@tensorflow/tfjs-core';
import { fillVariable } from '../zero/flat-variables.ts';

/** Which buffer every variable had; a write gives it another one. */
export function buffersOf(variables: readonly Variable[]): readonly object[] {
  return variables.map(({ dataId }) => dataId);
}

/** Sets the variables that were written since `before` to their mean over the ranks. Collective. */
export async function averageWritten(
  comm: Communicator,
  variables: readonly Variable[],
  before: readonly object[],
): Promise<void> {
  if (comm.size === 1) return;
  const written = variables.filter(({ dataId }, i) => dataId !== before[i]);
  if (written.length === 0) return;
  const flat = new Float32Array(written.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const variable of written) {
    flat.set(await variable.data<'float32'>(), at);
    at += variable.size;
  }
  await comm.allReduce(flat, 'mean');
  at = 0;
  for (const variable of written) fillVariable(variable, flat.subarray(at, (at += variable.size)));
}
