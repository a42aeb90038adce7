export type { StructuredCriterion } from './channel-scores.ts';
export { holdZeros, pruneSparse, type PruneSparseOptions, type SparseModel } from './prune-sparse.ts';
export {
  pruneChannels,
  pruneHeads,
  pruneRows,
  type PrunedStructure,
  type PruneStructureOptions,
} from './prune-structure.ts';
export { reduceLayers, type ReducedModel, type ReduceLayersOptions } from './reduce-layers.ts';
