import { loadMpi, type Handle, type MpiFunction, type MpiLibrary } from './library.node.ts';

/** The functions of MPI that are called, bound once. */
export interface Mpi extends MpiLibrary {
  readonly call: Readonly<Record<keyof typeof PROTOTYPES, MpiFunction>>;
}

const PROTOTYPES = {
  Init_thread: 'int MPI_Init_thread(ADDRESS, ADDRESS, int, _Out_ int *)',
  Finalize: 'int MPI_Finalize()',
  Abort: 'int MPI_Abort(COMM, int)',
  Comm_rank: 'int MPI_Comm_rank(COMM, _Out_ int *)',
  Comm_size: 'int MPI_Comm_size(COMM, _Out_ int *)',
  Comm_dup: 'int MPI_Comm_dup(COMM, _Out_ COMM *)',
  Comm_split: 'int MPI_Comm_split(COMM, int, int, _Out_ COMM *)',
  Comm_free: 'int MPI_Comm_free(_Inout_ COMM *)',
  Comm_set_errhandler: 'int MPI_Comm_set_errhandler(COMM, HANDLER)',
  Allreduce: 'int MPI_Allreduce(ADDRESS, BUFFER, int, TYPE, OP, COMM)',
  Allgatherv: 'int MPI_Allgatherv(BUFFER, int, TYPE, BUFFER, int *, int *, TYPE, COMM)',
  Gatherv: 'int MPI_Gatherv(BUFFER, int, TYPE, BUFFER, int *, int *, TYPE, int, COMM)',
  Scatterv: 'int MPI_Scatterv(BUFFER, int *, int *, TYPE, BUFFER, int, TYPE, int, COMM)',
  Bcast: 'int MPI_Bcast(BUFFER, int, TYPE, int, COMM)',
  Alltoallv: 'int MPI_Alltoallv(BUFFER, int *, int *, TYPE, BUFFER, int *, int *, TYPE, COMM)',
  Isend: 'int MPI_Isend(BUFFER, int, TYPE, int, int, COMM, _Out_ REQUEST *)',
  Irecv: 'int MPI_Irecv(BUFFER, int, TYPE, int, int, COMM, _Out_ REQUEST *)',
  Test: 'int MPI_Test(_Inout_ REQUEST *, _Out_ int *, ADDRESS)',
} as const;

let bound: Mpi | undefined;

/** Loads the library and binds its functions. */
export function bindMpi(): Mpi {
  if (bound) return bound;
  const library = loadMpi();
  const call = Object.fromEntries(
    Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.declare(prototype)]),
  ) as unknown as Mpi['call'];
  return (bound = { ...library, call });
}

/** A handle that a function wrote. */
export type Out = [Handle];
