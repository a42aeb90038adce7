export {
  averageAccuracy,
  averageIncrementalAccuracy,
  backwardTransfer,
  forgetting,
  forwardTransfer,
  omegaAll,
  type AccuracyMatrix,
} from './accuracy-matrix.ts';
export { countRight, shareRight, type ClassAccuracies } from './class-accuracies.ts';
export { offlineAccuracies, type OfflineAccuracy, type OfflineTwinOptions } from './offline-twins.ts';
export { runStream, type RunStreamOptions, type StreamResult, type TestResult } from './run-stream.ts';
export type { StreamLearner } from './stream-learner.ts';
