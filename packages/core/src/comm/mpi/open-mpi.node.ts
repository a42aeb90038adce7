import { writeSync } from 'node:fs';
import { ArgumentError } from '../../errors.ts';
import { CommError } from '../comm-error.ts';
import type { Communicator } from '../communicator.ts';
import { communicatorOf } from '../front.ts';
import { threw, type RankFunction } from '../run-rank.ts';
import { bindMpi, type Mpi, type Out } from './functions.node.ts';
import { MpiCarrier } from './mpi-carrier.node.ts';
import { writeReport } from './report.node.ts';
import { Requests } from './requests.node.ts';

/** Options of {@link openMpi}. */
export interface MpiOptions {
  /** Milliseconds that ranks wait for one that does not come. Default 30,000, or `OCKHAM_COMM_DEADLINE`. */
  readonly deadline?: number;
}

/** Ranks that the launcher started, undefined if none did. */
export function launchedByMpi(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const size = env.OMPI_COMM_WORLD_SIZE ?? env.PMI_SIZE ?? env.MPI_LOCALNRANKS;
  return size === undefined ? undefined : Number(size);
}

let opened: { readonly comm: Communicator; readonly mpi: Mpi } | undefined;
let over = false;

/**
 * The communicator of all ranks that `mpirun` started. {@link runRank} calls it; by hand it has to be followed by {@link closeMpi}.
 *
 * @throws CommError `comm-unavailable` without koffi or an MPI library, or if library and launcher are not of one MPI.
 */
export function openMpi({
  deadline = Number(process.env.OCKHAM_COMM_DEADLINE ?? 30_000),
}: MpiOptions = {}): Communicator {
  if (opened) return opened.comm;
  if (!(deadline > 0)) throw new ArgumentError(`mpi: deadline must be > 0 ms, got ${deadline}.`);
  const mpi = bindMpi();
  const provided = [0];
  if (mpi.call.Init_thread(0, 0, mpi.threadMultiple, provided) !== 0 || provided[0]! < mpi.threadMultiple)
    throw new CommError(
      'comm-unavailable',
      `mpi: ${mpi.kind} must support MPI_THREAD_MULTIPLE, but gives level ${provided[0]}.`,
    );
  const world: Out = [0];
  mpi.call.Comm_dup(mpi.world, world);
  const carrier = new MpiCarrier(mpi, world[0], undefined, new Requests(mpi, deadline));
  const launched = launchedByMpi() ?? 1;
  if (carrier.size !== launched)
    throw new CommError(
      'comm-unavailable',
      `mpi: the launcher and the library must be of one MPI, but the launcher started ${launched} ranks and ${mpi.path} (${mpi.kind}) sees ${carrier.size}. Set MPI_LIB to the library of your mpirun.`,
    );
  opened = { comm: communicatorOf(carrier), mpi };
  process.once('exit', () => {
    if (over) return;
    const message = `comm: every rank must live until all are done, but rank ${carrier.rank} ended before its work was done.`;
    writeReport(carrier.rank, { kind: 'failed', code: 'rank-lost', rank: carrier.rank, message });
    abort(message);
  });
  return opened.comm;
}

/** Leaves MPI, after all ranks have. */
export async function closeMpi(): Promise<void> {
  if (!opened || over) return;
  await opened.comm.close();
  over = true;
  opened.mpi.call.Finalize();
}

/** Ends the ranks of all processes: nothing else wakes one that waits in the library. */
function abort(message: string): void {
  over = true;
  writeSync(2, `${message}\n`);
  opened?.mpi.call.Abort(opened.mpi.world, 1);
}

/** The work of one rank under `mpirun`: what it throws ends the job, with an exit code that is not 0. */
export async function runUnderMpi<R, D>(work: RankFunction<R, D>, data: D): Promise<R> {
  const comm = openMpi();
  process.once('uncaughtExceptionMonitor', (error) => {
    if (over) return;
    const message = threw(comm.rank, error);
    writeReport(comm.rank, { kind: 'failed', code: 'rank-lost', rank: comm.rank, message });
    abort(message);
  });
  try {
    const result = await work(comm, data);
    writeReport(comm.rank, { kind: 'done', result });
    await closeMpi();
    return result;
  } catch (error) {
    const message = error instanceof CommError ? error.message : threw(comm.rank, error);
    const { code, rank } =
      error instanceof CommError ? error : { code: 'rank-lost' as const, rank: comm.rank };
    writeReport(comm.rank, { kind: 'failed', code, rank, message });
    process.exitCode = 1;
    await new Promise((resolve) => setTimeout(resolve, 200)); // for what the others have to say
    abort(message);
    throw error;
  }
}
