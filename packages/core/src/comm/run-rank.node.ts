import { askForHugePages } from './huge-pages.node.ts';
import { launchedByMpi, runUnderMpi } from './mpi/open-mpi.node.ts';
import { writeReport } from './mpi/report.node.ts';
import { HOST, runRank as runHere, type RankFunction } from './run-rank.ts';

/** The address of this module, for the entries of threads and processes. */
export const RUN_RANK_NODE: string = import.meta.url;
let called = false;

/** @public Whether {@link runRank} was called in this process; the entry of a process asks, as text. */
export function wasRun(): boolean {
  return called;
}

/** @public Leaves word of this process for `launchMpi`, before anything else can go wrong; the entry of a process asks, as text. */
export function tellStart(env: NodeJS.ProcessEnv = process.env): void {
  const rank = env.OMPI_COMM_WORLD_RANK ?? env.PMI_RANK;
  if (rank !== undefined) writeReport(Number(rank), { kind: 'started', pid: process.pid });
}

/**
 * Runs the work of this rank: with the ranks that `launch` started, or those of `mpirun`, elsewhere alone. Under `mpirun` the data is
 * the JSON text in `OCKHAM_COMM_DATA`.
 *
 * @returns What `work` returns.
 * @throws What `work` throws, after the other ranks were told.
 *
 * @example
 * // train.ts: `launch(4, new URL('./train.ts', import.meta.url))`, or `mpirun -n 4 node train.ts`
 * await runRank(async (comm) => {
 *   const gradient = await comm.alloc('float32', 1000);
 *   await comm.allReduce(gradient, 'mean');
 * });
 */
export async function runRank<R, D = unknown>(work: RankFunction<R, D>): Promise<R> {
  called = true;
  askForHugePages();
  const launchedHere = HOST in globalThis;
  if (launchedHere || launchedByMpi() === undefined) return runHere(work);
  const text = process.env.OCKHAM_COMM_DATA;
  return runUnderMpi(work, (text === undefined ? undefined : JSON.parse(text)) as D);
}
