import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { composedGradient, composedLookUp } from './composed.ts';
import { composedRobeGradient, composedRobeLookUp } from './composed-robe.ts';
import { gradientPlain, lookUpPlain } from './plain.ts';
import { gradientRobePlain, lookUpRobePlain } from './plain-robe.ts';
import type { RobeTokens, SketchTokens, Tokens } from './tokens.ts';

/** How the tables of one form are looked up on any engine. */
export interface TableForm<T extends Tokens> {
  /** Names of the compiled kernels. */
  readonly compiled: readonly ['lookUp', 'gradient'] | readonly ['lookUpRobe', 'gradientRobe'];
  readonly hashes: (tokens: T) => number;
  /** What the kernels are told of sizes, in their order, and of tables. */
  readonly sizes: (tokens: T) => readonly number[];
  readonly tables: (tokens: T) => readonly (Int32Array | undefined)[];
  /** By operations of an engine: `[n, D]`, and the gradient of the weights. */
  readonly composed: readonly [
    lookUp: (weights: Tensor, tokens: T) => Tensor2D,
    gradient: (weights: Tensor, tokens: T, dy: Tensor2D) => Tensor,
  ];
  /** In TypeScript: to `out` `[n, D]`; what `dy` gives is added to `to`. */
  readonly plain: readonly [
    lookUp: (tokens: T, weights: Float32Array, out: Float32Array) => void,
    gradient: (tokens: T, weights: Float32Array, dy: Float32Array, to: Float32Array) => void,
  ];
}

/** The count-sketch. */
export const sketchForm: TableForm<SketchTokens> = {
  compiled: ['lookUp', 'gradient'],
  hashes: ({ hashes }) => hashes,
  sizes: ({ places, unique, hashes, groups, dimension }) => [
    ...[places.length, unique, hashes, hashes / groups, dimension],
  ],
  tables: ({ places, slots, words }) => [places, slots, words],
  composed: [composedLookUp, composedGradient],
  plain: [lookUpPlain, gradientPlain],
};

/** The circular array. */
export const robeForm: TableForm<RobeTokens> = {
  compiled: ['lookUpRobe', 'gradientRobe'],
  hashes: () => 0,
  sizes: ({ places, unique, dimension, block, size }) => [places.length, unique, dimension, block, size],
  tables: ({ places, starts, words }) => [places, starts, words],
  composed: [composedRobeLookUp, composedRobeGradient],
  plain: [lookUpRobePlain, gradientRobePlain],
};
