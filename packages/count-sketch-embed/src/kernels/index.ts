export { DistinctFinder, type DistinctIds } from './distinct.ts';
export { lookUpRobe, lookUpTokens } from './look-up.ts';
export type { RobeTokens, SketchTokens } from './tokens.ts';
export { rowsById } from './rows-by-id.ts';
