export { adviseSketch, type AdviseSketchOptions, type SketchAdvice } from './advise-sketch.ts';
export { countCollisions, predictCollisions, type Collisions, type SketchSize } from './collisions.ts';
