export {
  examplesUntil,
  streamOf,
  type ExampleChange,
  type Stream,
  type StreamExample,
  type StreamPlan,
  type TestEvent,
} from './stream.ts';
export { classIncremental, type ClassIncrementalOptions } from './class-incremental.ts';
export { iid, type IidOptions } from './iid.ts';
export { instanceOrdered, type InstanceOrderedOptions } from './instance-ordered.ts';
export { blurred, type BlurredOptions } from './blurred.ts';
export { imbalanced, type ImbalancedOptions } from './imbalanced.ts';
export type { StreamSource } from './change-examples.ts';
export { labelNoise, type LabelNoiseOptions } from './label-noise.ts';
export { domainDrift, driftSplit, type DomainDriftOptions, type Drift } from './domain-drift.ts';
export { fromExamples, inBatches } from './from-examples.ts';
export {
  cameraFrames,
  cameraStream,
  frameToPixels,
  type CameraFramesOptions,
  type CameraStreamOptions,
  type Frame,
  type FrameGrabber,
  type VideoSource,
} from './camera.ts';
