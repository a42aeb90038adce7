/**
 * Ranks that work together, and how they talk: {@link Communicator}. This entry runs in a page, with web workers
 * as ranks.
 *
 * @module
 */
export {
  shareOf,
  type CommArray,
  type CommArrays,
  type CommType,
  type Communicator,
  type ReduceOp,
  type ReduceOptions,
  type RootOptions,
  type TagOptions,
  type Transport,
} from './communicator.ts';
export { CommError, type CommErrorCode } from './comm-error.ts';
export { largeMemory } from './large-memory.ts';
export { Ledger, type CommOperation, type LedgerEntry } from './ledger.ts';
export { self } from './self.ts';
export { runRank, type RankFunction } from './run-rank.ts';
export { launch, startRanks, type PageScript } from './launch-threads.ts';
export type { Job, LaunchOptions, RankHandle } from './launch.ts';
export { mesh, type Mesh } from './mesh.ts';
export { simulate, type SimulatedRank, type SimulateOptions, type Simulation } from './simulate.ts';
