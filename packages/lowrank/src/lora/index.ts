export {
  addAdapter,
  listAdapters,
  removeAdapter,
  scaleLora,
  setAdapters,
  type AdapterSummary,
} from './adapters.ts';
export { applyLora } from './apply-lora.ts';
export { LoraLayer, type BaseEntry, type LoraLayerArgs } from './lora-layer.ts';
export { bakeLora, mergeLora, unmergeLora } from './merge.ts';
export type { AdapterOptions, AdapterPlan, LoraOptions } from './options.ts';
export { formatLoraReport, loraReport, type LoraLayerReport, type LoraReport } from './report.ts';
export type { LoraSite, Targets } from './targets.ts';
