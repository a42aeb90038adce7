/** The two ways to count the parameters of a network in factors: with both of them, and as the talk's table prints it. */

/** A layer `[outputs, inputs]` of rank `rank`; `dense` where it is not factored. */
export interface CountedLayer {
  /** Rows of the matrix. */
  readonly outputs: number;
  /** Columns of the matrix. */
  readonly inputs: number;
  /** Rank of its factors, or `dense`. */
  readonly rank: number | 'dense';
}

/** The counts of {@link parameterCounts}. */
export interface DlrtCounts {
  /** Σ r (n_in + n_out), and n_in n_out of dense layers. */
  readonly honest: number;
  /** Σ r (n_out + 1), and n_in n_out of dense layers: the talk's column "params", which leaves V out. */
  readonly printed: number;
  /** Σ [5 r (n_in + n_out) + 12 r²], and twice n_in n_out: the talk's column "train". */
  readonly printedTraining: number;
}

/**
 * Counts of kernel values in a network of the given ranks.
 *
 * @example
 * parameterCounts([{ outputs: 500, inputs: 800, rank: 15 }, { outputs: 10, inputs: 500, rank: 'dense' }]);
 */
export function parameterCounts(layers: readonly CountedLayer[]): DlrtCounts {
  let [honest, printed, printedTraining] = [0, 0, 0];
  for (const { outputs, inputs, rank } of layers) {
    if (rank === 'dense') {
      honest += inputs * outputs;
      printed += inputs * outputs;
      printedTraining += 2 * inputs * outputs;
      continue;
    }
    honest += rank * (inputs + outputs);
    printed += rank * (outputs + 1);
    printedTraining += 5 * rank * (inputs + outputs) + 12 * rank * rank;
  }
  return { honest, printed, printedTraining };
}
