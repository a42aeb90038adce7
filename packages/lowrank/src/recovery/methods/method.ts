import type { Communicator } from '@ockham/core/comm';
import type { Matrix } from '@ockham/core/linalg/matrices';
import type { Random } from '@ockham/core/random';
import type { LeastSquares } from '../least-squares.ts';
import type { RecoveryData } from '../problem.ts';

/** W = A Bᵀ with A `[d, r]` and B `[m, r]`. */
export interface Factors {
  /** `[d, r]`. */
  readonly A: Matrix;
  /** `[m, r]`. */
  readonly B: Matrix;
}

/** What a method works with. */
export interface Context {
  readonly data: RecoveryData;
  readonly problem: LeastSquares;
  readonly rank: number;
  /** Relative accuracy that is aimed at. */
  readonly tolerance: number;
  readonly start: 'spectral' | 'random';
  readonly random: Random;
  readonly comm: Communicator;
  /** Of the gross-error method: how fast its steps shrink. */
  readonly decay: number;
  warn(text: string): void;
}

/** A method under way. */
export interface Solver {
  /** One round. */
  round(): void | Promise<void>;
  /** Where it stands: W itself, or its factors. */
  estimate(): Factors | Matrix;
  /** Whether it has ended by its own reckoning; without it, the run ends by the gradient. */
  done?(): boolean;
}

export type Method = (context: Context) => Solver;
