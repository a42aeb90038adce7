/**
 * The game with one worker for each level.
 *
 * @module
 */
export type { OptimizerChoice } from './optimizer-choice.ts';
export { parallelQuantumGameOn } from './parallel-quantum-game-on.ts';
export type { WorkersOptions, WorkersStates } from './play.ts';
export { playersOfPage, playInWorkers, type PageWorkersOptions } from './play-in-workers.ts';
