import { ArgumentError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import { median } from '@ockham/core/metrics';
import type { Link } from './inference-costs.ts';

/** Options of {@link measureLink}. */
export interface MeasureLinkOptions {
  /** Round trips of each length, ≥ 1; their median counts. Default 15. */
  readonly repeats?: number;
  /** Bytes of the messages, two lengths or more. Default 64, 65,536 and 1,048,576. */
  readonly bytes?: readonly number[];
  /** In seconds. Default `performance.now() / 1000`; give a simulated rank's `now`. */
  readonly now?: () => number;
}

/**
 * Measures α and β between the first two ranks: half a round trip of n bytes is α + β·n, fitted by least squares. Collective; all ranks
 * get the same.
 *
 * @throws ArgumentError with fewer than two ranks or lengths.
 */
export async function measureLink(comm: Communicator, options: MeasureLinkOptions = {}): Promise<Link> {
  const { repeats = 15, bytes = [64, 65_536, 1_048_576], now = () => performance.now() / 1000 } = options;
  if (comm.size < 2)
    throw new ArgumentError('measureLink: a link needs two ranks, got one. Plan with ranks: 1.');
  if (!(Number.isInteger(repeats) && repeats >= 1))
    throw new ArgumentError(`measureLink: repeats must be an integer ≥ 1, got ${repeats}.`);
  if (new Set(bytes).size < 2 || !bytes.every((n) => Number.isInteger(n) && n >= 0))
    throw new ArgumentError(`measureLink: bytes must be two lengths or more, got [${bytes.join(', ')}].`);
  const halves: number[] = [];
  for (const n of bytes) {
    const message = new Uint8Array(n);
    const times: number[] = [];
    for (let i = -1; i < repeats && comm.rank < 2; i++) {
      const start = now();
      if (comm.rank === 0) {
        await comm.send(message, 1);
        await comm.recv(message, 1);
      } else {
        await comm.recv(message, 0);
        await comm.send(message, 0);
      }
      if (i >= 0) times.push((now() - start) / 2);
    }
    halves.push(times.length > 0 ? median(times) : 0);
  }
  const [meanBytes, meanTime] = [bytes, halves].map((v) => v.reduce((sum, x) => sum + x, 0) / v.length) as [number, number]; // prettier-ignore
  const beta =
    bytes.reduce((sum, n, i) => sum + (n - meanBytes) * (halves[i]! - meanTime), 0) /
    bytes.reduce((sum, n) => sum + (n - meanBytes) ** 2, 0);
  const link = Float64Array.of(Math.max(0, meanTime - Math.max(0, beta) * meanBytes), Math.max(0, beta));
  await comm.broadcast(link);
  return { alpha: link[0]!, beta: link[1]! };
}
