/**
 * Which channels of a model belong together, and models with layers or channels removed or replaced.
 *
 * @module
 */
export {
  traceChannels,
  type ChannelCarrier,
  type ChannelGraph,
  type ChannelGroup,
  type ChannelSlice,
} from './channel-graph.ts';
export { isChannelMapped, type ChannelMapped } from './channel-mapping.ts';
export type { AxisRole } from './layer-rules.ts';
export { maskChannels } from './mask-channels.ts';
export { removeChannels, type LayerChange, type RemovalResult, type Removals } from './remove-channels.ts';
export { removeLayers } from './remove-layers.ts';
export { replaceLayers, type NewLayer } from './replace-layers.ts';
export { residualBranches, type ResidualBranch } from './residual-branches.ts';
export type { WeightValues } from './weight-values.ts';
export { buildModel, configOf, forEachEntry, rebuild, type LayerEntry, type ModelConfig } from './rebuild.ts';
export { isModel, layerPaths } from './trace.ts';
