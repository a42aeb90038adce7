/**
 * One explicit training loop that can be aborted and resumed to the bit, with its losses and optimizers.
 *
 * @module
 */
export * from './types.ts';
export { train } from './train.ts';
export { lossGradients, trainStep, withSeededDropout, type TrainStepOptions } from './train-step.ts';
export { refuseUnseededNoise } from './unseeded-noise.ts';
export {
  gradientMoments,
  meanGradients,
  type GradientMoments,
  type MeanGradientsOptions,
} from './gradients.ts';
export { checkFit, type FitOptions } from './check-fit.ts';
export { batchOf, batchRange, type Batch } from './batches.ts';
export { lossFunction, withRegularisation } from './losses.ts';
export { heldWeightsOf, holdsWeights, type HeldWeight, type HoldsWeights } from './held-weights.ts';
export { flatLayers, trainableVariables, variableOf, type Layer } from './layers.ts';
export { restoreWeights, saveWeights } from './snapshot.ts';
export {
  checkDistillation,
  distillationFrom,
  type Distillation,
  type DistillOptions,
} from './distillation.ts';
export { loadOptimizer, saveOptimizer, setLearningRate, toOptimizer } from './optimizer-state.ts';
