export { DistinctFinder, type DistinctIds } from './distinct.ts';
export { lookUpTokens } from './look-up.ts';
export type { SketchTokens } from './tokens.ts';
