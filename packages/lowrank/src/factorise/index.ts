export { replaceByFactors } from './replace-by-factors.ts';
export type { Factors } from './split-layer.ts';
