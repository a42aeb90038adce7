export type { AdaptiveState, AdaptiveStepOptions } from './adaptive-step.ts';
export type { ArmijoStepOptions } from './armijo-step.ts';
export { coldStart } from './cold-start.ts';
export type { ExampleSource } from './fit-stream.ts';
export { Learner } from './learner.ts';
export {
  minimise,
  type MinimiseOptions,
  type MinimiseRecord,
  type Minimum,
  type SmoothFunction,
} from './minimise.ts';
export type { ColdStartOptions, ReplayOptions } from './options.ts';
export type { PolyakStepOptions } from './polyak-step.ts';
export type {
  Accuracy,
  AccuracyOptions,
  Counters,
  FitOptions,
  FitResult,
  Observation,
  Predictions,
} from './results.ts';
export type { Step, StepRule } from './step-rule.ts';
