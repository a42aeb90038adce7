export { bitSchedule, periodFactors, type BitSchedule, type BitScheduleOptions } from './bit-schedule.ts';
export { layerCurvatures, type CurvatureOptions, type LayerCurvature } from './curvature.ts';
export { learnFrom, type Lesson, type TeacherOptions } from './distil.ts';
export { compressExtremely, type ExtremeOptions, type ExtremeResult } from './extreme.ts';
export { chooseBits, type MixedBits, type MixedLayer } from './mixed-bits.ts';
export { trainMoq, type MoqLayer, type MoqOptions, type MoqResult, type MoqTarget } from './moq.ts';
export {
  QuantizedForward,
  type GridRule,
  type QuantizedForwardOptions,
  type QuantizedWeight,
} from './quantized-forward.ts';
export { trainQuantized, type TrainQuantizedOptions, type TrainQuantizedResult } from './train-quantized.ts';
