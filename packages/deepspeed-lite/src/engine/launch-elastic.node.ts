import { ArgumentError } from '@ockham/core';
import { CommError, type LaunchOptions } from '@ockham/core/comm';
import { startProcesses, startRanks } from '@ockham/core/comm/node';
import { meshShape, type MeshShape } from '../mesh/rank-mesh.ts';

/** Options of {@link launchElastic}. */
export interface ElasticOptions extends LaunchOptions {
  /** Fewer ranks than that are not worth going on with. Default 1. */
  readonly minimum?: number;
  /**
   * The axes of the script's mesh that do not change: with a rank goes its whole data replica, tensor · pipeline ranks, and the data axis
   * has one fewer. Default 1 for both.
   */
  readonly mesh?: Partial<Omit<MeshShape, 'data'>>;
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
 * Starts ranks, and starts one fewer whenever one dies or hangs; on a mesh one data replica fewer, since the others of its replica have
 * parts of layers that nobody can go on with. The script trains with `fit(…, { checkpoint })`: those that are left go on from the last
 * checkpoint, with the bits of a run on so many ranks that starts there. A rank that throws is a mistake, not a loss.
 *
 * @param n Ranks; on a mesh a multiple of tensor · pipeline.
 * @param script As for `launch`; a global batch that divides by every number of data ranks there may be, and a mesh that leaves `data` out.
 * @throws CommError that names the rank, once fewer than `minimum` would be left or the only data replica has lost one; what a rank throws.
 *
 * @example
 * await launchElastic(8, new URL('./train.js', import.meta.url), { mesh: { tensor: 2, pipeline: 2 } });
 */
export async function launchElastic<R = unknown>(
  n: number,
  script: string | URL,
  { minimum = 1, mesh = {}, as = 'threads', onStart, onLost, ...options }: ElasticOptions = {},
): Promise<ElasticResult<R>> {
  if (!(Number.isInteger(minimum) && minimum >= 1 && minimum <= n))
    throw new ArgumentError(`launchElastic: minimum must be an integer in [1, ${n}], got ${minimum}.`);
  const { tensor, pipeline } = meshShape('launchElastic', { ...mesh }, n);
  const replica = tensor * pipeline;
  const start = as === 'threads' ? startRanks : startProcesses;
  const lost: CommError[] = [];
  for (let ranks = n; ; ranks -= replica) {
    const job = start<R>(ranks, script, options);
    onStart?.(job, ranks);
    try {
      return { results: await job.results(), lost };
    } catch (error) {
      const died =
        error instanceof CommError &&
        ['rank-lost', 'rank-silent'].includes(error.code) &&
        error.cause === undefined;
      if (!died) throw error;
      const left = ranks - replica;
      if (left === 0 && replica > 1) throw onlyReplica(error, { tensor, pipeline });
      if (left < minimum) throw error;
      lost.push(error);
      onLost?.(error, left);
    }
  }
}

function onlyReplica(cause: CommError, { tensor, pipeline }: Omit<MeshShape, 'data'>): CommError {
  return new CommError(
    cause.code,
    `launchElastic: rank ${cause.rank} is gone, and with data 1 × tensor ${tensor} × pipeline ${pipeline} no other rank has its part of the model: there must be a second data replica to go on with. Start again from the last checkpoint, on any mesh.`,
    { cause, ...(cause.rank !== undefined && { rank: cause.rank }) },
  );
}
