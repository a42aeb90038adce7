/** Methods side by side with the same budget of calls, over seeds, with intervals. */
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { Random } from '@ockham/core/random';
import type { ExcitedStates } from './sequential.ts';

/** A method to compare: it runs with what it is given and may spend `maxCalls` calls in all. */
export type ComparedMethod = (options: { readonly seed: number; readonly maxCalls: number }) => ExcitedStates;

/** Options of {@link compareAtEqualCost}. */
export interface EqualCostOptions {
  /** Exact energies, rising, to measure errors against; see `lowestLevels`. */
  readonly exact: readonly number[];
  /** One run of each method for each seed. */
  readonly seeds: readonly number[];
  /** Calls of the objective, all levels and restarts together. */
  readonly budgets: readonly number[];
  /** Of the intervals. Default 0.95. */
  readonly confidence?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal | undefined;
}

/** One method at one budget. */
export interface EqualCostRow {
  /** The method's name. */
  readonly method: string;
  /** Calls of the objective that it was allowed. */
  readonly budget: number;
  /** Median over the seeds of the largest error of any level. */
  readonly error: number;
  /** Bootstrap interval of that median. */
  readonly interval: readonly [number, number];
  /** Mean calls that were really spent: a method may end before its budget, or finish the iteration it is in. */
  readonly calls: number;
  /** Mean circuits of the ledger. */
  readonly circuits: number;
}

/**
 * Runs every method with every seed at every budget.
 *
 * @throws ArgumentError where there is nothing to compare.
 */
export function compareAtEqualCost(
  methods: Readonly<Record<string, ComparedMethod>>,
  options: EqualCostOptions,
): EqualCostRow[] {
  const { exact, seeds, budgets, confidence = 0.95, signal } = options;
  if (Object.keys(methods).length === 0 || seeds.length === 0 || budgets.length === 0) {
    throw new ArgumentError(
      `compareAtEqualCost: needs at least one method, seed and budget, got ${Object.keys(methods).length}, ${seeds.length} and ${budgets.length}.`,
    );
  }
  return Object.entries(methods).flatMap(([method, run]) =>
    budgets.map((budget): EqualCostRow => {
      const runs = seeds.map((seed) => {
        throwIfAborted(signal, 'compareAtEqualCost');
        const { levels, ledger } = run({ seed, maxCalls: budget });
        const error = Math.max(...levels.map(({ energy }, i) => Math.abs(energy - exact[i]!)));
        return { error, calls: ledger.valueCalls + ledger.gradientCalls, circuits: ledger.circuits };
      });
      const errors = runs.map(({ error }) => error);
      return {
        method,
        budget,
        error: median(errors),
        interval: bootstrap(errors, confidence),
        calls: runs.reduce((sum, { calls }) => sum + calls / runs.length, 0),
        circuits: runs.reduce((sum, { circuits }) => sum + circuits / runs.length, 0),
      };
    }),
  );
}

function bootstrap(values: readonly number[], confidence: number): [number, number] {
  const random = new Random(0); // the interval of the same values is always the same
  const draws = 1_000;
  const medians = Array.from({ length: draws }, () =>
    median(values.map(() => values[random.integer(values.length)]!)),
  ).sort((a, b) => a - b);
  const tail = Math.floor(((1 - confidence) / 2) * draws);
  return [medians[tail]!, medians[draws - 1 - tail]!];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
