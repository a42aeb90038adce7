/**
 * {@link Communicator} for Node: worker threads, processes, MPI.
 *
 * @module
 */
export * from './index.ts';
export { launch, startRanks } from './launch-threads.node.ts';
export { closeMpi, openMpi, type MpiOptions } from './mpi/open-mpi.node.ts';
export { runRank } from './run-rank.node.ts';
export { launchMpi, type LaunchMpiOptions } from './mpi/launch-mpi.node.ts';
export { launchProcesses, startProcesses } from './processes/launch-processes.node.ts';
