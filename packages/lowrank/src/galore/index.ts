/**
 * GaLore, optimizers on projected gradients: {@link gaLore}.
 *
 * @module
 */
export { gaLore, GaLoreOptimizer, type GaLoreOptions } from './galore.ts';
export type { GaLoreBasis } from './projection.ts';
export type { GaLoreLayer, GaLoreReport } from './report.ts';
