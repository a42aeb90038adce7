export type { BaselineOptions, GradientOptions, MemoryOptions } from './baseline-options.ts';
export { deepSlda, type DeepSldaOptions } from './deep-slda.ts';
export { derPlusPlus, type DerOptions } from './der.ts';
export { exStream, type ExStreamOptions } from './ex-stream.ts';
export {
  experienceReplay,
  fineTune,
  type ExperienceReplayOptions,
  type FineTuneOptions,
} from './experience-replay.ts';
export type { FromScratchOptions } from './from-scratch.ts';
export { gdumb, type GdumbOptions } from './gdumb.ts';
export { jointOffline } from './joint-offline.ts';
export { icarl, type IcarlOptions } from './icarl.ts';
export {
  fitProductQuantiser,
  type ProductQuantiser,
  type ProductQuantiserOptions,
} from './product-quantiser.ts';
export { remind, type RemindOptions } from './remind.ts';
