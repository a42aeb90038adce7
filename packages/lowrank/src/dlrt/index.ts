export { dlrt } from './dlrt.ts';
export type { DlrtOptions, DlrtRecord, DlrtResult, PerLayer } from './options.ts';
export type { DlrtLayer, DlrtReport } from './report.ts';
export { parameterCounts, type CountedLayer, type DlrtCounts } from './parameter-counts.ts';
export { vanillaLowRank, type VanillaOptions } from './vanilla.ts';
