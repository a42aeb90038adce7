import { ArgumentError } from '@ockham/core';
import { CommError, type LaunchOptions } from '@ockham/core/comm';
import { startProcesses, startRanks } from '@ockham/core/comm/node';

/** Options of {@link launchElastic}. */
export interface ElasticOptions extends LaunchOptions {
  /** Fewer ranks than that are not worth going on with. Default 1. */
  readonly minimum?: number;
  /** `processes` for the native engine. Default `threads`. */
  readonly as?: 'threads' | 'processes';
  /** Called with the ranks as they start, each time. */
  readonly onStart?: (job: ReturnType<typeof startRanks>, ranks: number) => void;
  /** Called when a rank was lost, before the others go on without it. */
  readonly onLost?: (error: CommError, left: number) => void;
}

/** What came of it. */
export interface ElasticResult<R> {
  /** What the ranks that were left returned. */
  readonly results: readonly R[];
  /** The errors that name the ranks that were lost, in order. */
  readonly lost: readonly CommError[];
}

/**
 * Starts ranks, and starts one fewer whenever one dies or hangs. The script trains with `fit(…, { checkpoint })`: those that are left go on
 * from the last checkpoint, with the bits of a run on so many ranks that starts there. A rank that throws is a mistake, not a loss.
 *
 * @param script As for `launch`; a global batch that divides by every number of ranks there may be.
 * @throws CommError that names the rank, once fewer than `minimum` would be left; what a rank throws.
 *
 * @example
 * await launchElastic(4, new URL('./train.js', import.meta.url), { minimum: 2 });
 */
export async function launchElastic<R = unknown>(
  n: number,
  script: string | URL,
  { minimum = 1, as = 'threads', onStart, onLost, ...options }: ElasticOptions = {},
): Promise<ElasticResult<R>> {
  if (!(Number.isInteger(minimum) && minimum >= 1 && minimum <= n))
    throw new ArgumentError(`launchElastic: minimum must be an integer in [1, ${n}], got ${minimum}.`);
  const start = as === 'threads' ? startRanks : startProcesses;
  const lost: CommError[] = [];
  for (let ranks = n; ; ranks--) {
    const job = start<R>(ranks, script, options);
    onStart?.(job, ranks);
    try {
      return { results: await job.results(), lost };
    } catch (error) {
      const died =
        error instanceof CommError &&
        ['rank-lost', 'rank-silent'].includes(error.code) &&
        error.cause === undefined;
      if (!died || ranks - 1 < minimum) throw error;
      lost.push(error);
      onLost?.(error, ranks - 1);
    }
  }
}
