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
export type { LoraSite } from './targets.ts';
export { decodeAdapter, type AdapterFile } from './adapter-file.ts';
export { encodeAdapter, type EncodeAdapterOptions, type EncodedAdapter } from './encode-adapter.ts';
export { baseFingerprint } from './fingerprint.ts';
export { installAdapter, type InstallAdapterOptions } from './install-adapter.ts';
export type { PeftConfig } from './peft-config.ts';
export { loraPlus, type LoraPlusOptions } from './lora-plus.ts';
export { loraPro, type LoraProOptions } from './lora-pro.ts';
export { adaLora, rankBudget, type AdaLoraOptions } from './ada-lora.ts';
export { sora, type GatedTraining, type SoraOptions } from './sora.ts';
