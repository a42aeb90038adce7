/** The two all-to-alls around the experts: tokens to the ranks that hold their experts, and back. The one is the gradient of the other. */
import { ArgumentError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';

/** What is exchanged. */
export interface ExchangeSizes {
  /** E, on all ranks together; a multiple of their number. Rank r holds E/N of them, from r·E/N. */
  readonly experts: number;
  /** C: places of each expert for the tokens of one rank, the same on all. */
  readonly capacity: number;
  /** Values of a token. */
  readonly width: number;
}

/**
 * This rank's tokens for all experts, `[E · C, width]`, to all ranks' tokens for the experts here, `[E/N, N · C, width]`.
 * Sends (N − 1)/N of E · C · width values. Collective.
 *
 * @throws ArgumentError if the experts cannot be shared among the ranks, or the array does not fit.
 */
export async function toExperts(
  comm: Communicator,
  rows: Float32Array,
  sizes: ExchangeSizes,
): Promise<Float32Array> {
  const { local, block } = check('toExperts', comm, rows, sizes);
  const send = Array.from({ length: comm.size }, (_, rank) =>
    rows.subarray(rank * local * block, (rank + 1) * local * block),
  );
  const receive = Array.from({ length: comm.size }, () => new Float32Array(local * block));
  await comm.allToAll(send, receive);
  const result = new Float32Array(rows.length);
  receive.forEach((from, rank) => {
    for (let e = 0; e < local; e++)
      result.set(from.subarray(e * block, (e + 1) * block), (e * comm.size + rank) * block);
  });
  return result;
}

/** The way back: `[E/N, N · C, width]` to `[E · C, width]`. Collective. */
export async function fromExperts(
  comm: Communicator,
  rows: Float32Array,
  sizes: ExchangeSizes,
): Promise<Float32Array> {
  const { local, block } = check('fromExperts', comm, rows, sizes);
  const send = Array.from({ length: comm.size }, (_, rank) => {
    const part = new Float32Array(local * block);
    for (let e = 0; e < local; e++) {
      const at = (e * comm.size + rank) * block;
      part.set(rows.subarray(at, at + block), e * block);
    }
    return part;
  });
  const result = new Float32Array(rows.length);
  const receive = send.map((_, rank) => result.subarray(rank * local * block, (rank + 1) * local * block));
  await comm.allToAll(send, receive);
  return result;
}

function check(
  who: string,
  comm: Communicator,
  rows: Float32Array,
  { experts, capacity, width }: ExchangeSizes,
): { readonly local: number; readonly block: number } {
  if (experts % comm.size !== 0)
    throw new ArgumentError(
      `${who}: experts must be a multiple of the ranks, got ${experts} experts on ${comm.size} ranks. Change one of the two.`,
    );
  const block = capacity * width;
  if (rows.length !== experts * block)
    throw new ArgumentError(
      `${who}: rows must be [${experts} · ${capacity}, ${width}] = ${experts * block} values, got ${rows.length}.`,
    );
  return { local: experts / comm.size, block };
}
