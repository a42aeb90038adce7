/**
 * Figures of continual learning from a table of accuracies: `matrix[t][k]` is the accuracy on the test examples of task k (the
 * classes that came between tests k − 1 and k) at test t. Rows and columns in order of the stream; entries above the
 * diagonal are tasks not learnt yet.
 *
 * Sources: section 2.3 of the paper (Ω_all, after Hayes, Cahill and Kanan 2018); Chaudhry et al. 2018 (forgetting); Lopez-Paz and
 * Ranzato 2017 (transfer).
 */
import { ArgumentError } from '@ockham/core';

/** Accuracies in [0, 1], `[tests, tasks]`, as many tests as tasks. */
export type AccuracyMatrix = readonly (readonly number[])[];

/**
 * Ω_all = (1/T) Σ_t α_t / α_offline,t: 1 is as good as training offline on the same examples, at every test.
 *
 * @param streaming α_t, accuracies of the learner at each test.
 * @param offline α_offline,t, those of a model trained offline on what had been seen by then; each above 0.
 * @throws ArgumentError for lengths that differ, no tests, or accuracies out of range.
 */
export function omegaAll(streaming: readonly number[], offline: readonly number[]): number {
  if (streaming.length === 0 || streaming.length !== offline.length) {
    throw new ArgumentError(
      `omegaAll: every test needs a streaming and an offline accuracy, got ${streaming.length} and ${offline.length}.`,
    );
  }
  checkAccuracies('omegaAll', streaming);
  checkAccuracies('omegaAll', offline);
  if (offline.includes(0)) {
    throw new ArgumentError(
      'omegaAll: the offline accuracies must be above 0: a twin that learnt nothing is no measure.',
    );
  }
  return streaming.reduce((sum, accuracy, t) => sum + accuracy / offline[t]!, 0) / streaming.length;
}

/** Mean accuracy over all tasks after the last: (1/T) Σ_k a_{T,k}. */
export function averageAccuracy(matrix: AccuracyMatrix): number {
  checkMatrix('averageAccuracy', matrix, 1);
  return mean(matrix.at(-1)!);
}

/** Mean over the tests of the mean accuracy on the tasks learnt by then ("average incremental accuracy"). */
export function averageIncrementalAccuracy(matrix: AccuracyMatrix): number {
  checkMatrix('averageIncrementalAccuracy', matrix, 1);
  return mean(matrix.map((row, t) => mean(row.slice(0, t + 1))));
}

/**
 * How far each task but the last fell from its best: mean over k < T of max_{k ≤ t < T} a_{t,k} − a_{T,k}. In [−1, 1]; 0 is
 * nothing forgotten, below 0 tasks became better.
 */
export function forgetting(matrix: AccuracyMatrix): number {
  checkMatrix('forgetting', matrix, 2);
  const last = matrix.at(-1)!;
  return mean(
    last.slice(0, -1).map((now, k) => Math.max(...matrix.slice(k, -1).map((row) => row[k]!)) - now),
  );
}

/** What learning later tasks did to earlier ones: mean over k < T of a_{T,k} − a_{k,k}. Negative is forgetting. */
export function backwardTransfer(matrix: AccuracyMatrix): number {
  checkMatrix('backwardTransfer', matrix, 2);
  return mean(
    matrix
      .at(-1)!
      .slice(0, -1)
      .map((now, k) => now - matrix[k]![k]!),
  );
}

/**
 * What was known of a task before its first example: mean over k > 1 of a_{k−1,k} − b_k.
 *
 * @param chance b_k: accuracy of the untrained model on each task.
 */
export function forwardTransfer(matrix: AccuracyMatrix, chance: readonly number[]): number {
  checkMatrix('forwardTransfer', matrix, 2);
  if (chance.length !== matrix.length) {
    throw new ArgumentError(
      `forwardTransfer: chance must have one accuracy for each of ${matrix.length} tasks, got ${chance.length}.`,
    );
  }
  checkAccuracies('forwardTransfer', chance);
  return mean(matrix.slice(0, -1).map((row, t) => row[t + 1]! - chance[t + 1]!));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function checkMatrix(who: string, matrix: AccuracyMatrix, least: number): void {
  const tasks = matrix.length;
  if (tasks < least || matrix.some((row) => row.length !== tasks)) {
    throw new ArgumentError(
      `${who}: the table must be square with ${least} or more tests, got ${tasks} rows of ${[...new Set(matrix.map((row) => row.length))].join(', ')} tasks.`,
    );
  }
  for (const row of matrix) checkAccuracies(who, row);
}

function checkAccuracies(who: string, values: readonly number[]): void {
  const bad = values.find((value) => !(value >= 0 && value <= 1));
  if (bad !== undefined) throw new ArgumentError(`${who}: accuracies must be in [0, 1], got ${bad}.`);
}
