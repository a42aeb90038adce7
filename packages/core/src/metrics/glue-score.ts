/**
 * What GLUE reports of each task, and its score: the mean over tasks, where a task with two figures counts by their mean.
 *
 * Source: Wang et al. 2019, "GLUE: a multi-task benchmark", table 1 and section 4.
 * Deviations: in [0, 1] rather than percent; the mean is over the tasks given, and says which they are.
 */
import type { GlueTask } from '../datasets/glue.ts';
import { ArgumentError } from '../errors.ts';
import { accuracyOf, f1Score, matthewsCorrelation, type ClassCounts } from './classification.ts';
import { pearson, spearman } from './correlation.ts';

/** A task of GLUE, those for which there is no reader too. */
export type ScoredTask = GlueTask | 'CoLA' | 'QQP';

/** A figure of a task. */
export type GlueMetric = 'accuracy' | 'f1' | 'mcc' | 'pearson' | 'spearman';

/** The figures that count for each task. */
export const glueMetrics: Readonly<Record<ScoredTask, readonly GlueMetric[]>> = {
  CoLA: ['mcc'],
  'SST-2': ['accuracy'],
  MRPC: ['accuracy', 'f1'],
  'STS-B': ['pearson', 'spearman'],
  QQP: ['accuracy', 'f1'],
  MNLI: ['accuracy'],
  QNLI: ['accuracy'],
  RTE: ['accuracy'],
  WNLI: ['accuracy'],
};

/** Figures of one task, those of {@link glueMetrics}. */
export type GlueFigures = Readonly<Partial<Record<GlueMetric, number>>>;

/** Predicted and right scores, of STS-B. */
export interface ScoredPairs {
  /** What the model gave. */
  readonly predicted: ArrayLike<number>;
  /** What the labels say, in the same order. */
  readonly right: ArrayLike<number>;
}

/**
 * The figures of a task: from the counts `[right][predicted]` of {@link confusion}, or of STS-B from its scores.
 *
 * @throws ArgumentError for scores of a task of classes, counts of STS-B, or what their metrics refuse.
 */
export function glueFigures(task: ScoredTask, results: ClassCounts | ScoredPairs): GlueFigures {
  const pairs = 'predicted' in results ? results : undefined;
  if ((task === 'STS-B') !== (pairs !== undefined)) {
    throw new ArgumentError(
      `glueFigures: ${task} must be given ${task === 'STS-B' ? 'scores, predicted and right' : 'counts of classes'}, got ${pairs ? 'scores' : 'counts'}.`,
    );
  }
  if (pairs) {
    const { predicted, right } = pairs;
    return { pearson: pearson(predicted, right), spearman: spearman(predicted, right) };
  }
  const counts = results as ClassCounts;
  const metrics = { accuracy: accuracyOf, f1: (c: ClassCounts) => f1Score(c), mcc: matthewsCorrelation };
  return Object.fromEntries(
    glueMetrics[task].map((metric) => [metric, metrics[metric as keyof typeof metrics](counts)]),
  );
}

/**
 * The GLUE score of some tasks. MNLI's matched and mismatched sets count as one: give the mean of their accuracies.
 *
 * @throws ArgumentError for no task, or a task without one of its figures.
 *
 * @example
 * glueScore({ 'SST-2': { accuracy: 0.85 }, MRPC: { accuracy: 0.7, f1: 0.8 } }); // (0.85 + 0.75) / 2
 */
export function glueScore(figures: Readonly<Partial<Record<ScoredTask, GlueFigures>>>): number {
  const tasks = Object.keys(figures) as ScoredTask[];
  if (tasks.length === 0) throw new ArgumentError('glueScore: there must be a task, got none.');
  const scores = tasks.map((task) => {
    const metrics = glueMetrics[task];
    const values = metrics?.map((metric) => figures[task]![metric] ?? NaN);
    if (!values || values.some((value) => Number.isNaN(value))) {
      throw new ArgumentError(
        `glueScore: ${task} must have ${metrics?.join(' and ') ?? 'a place in GLUE'}, got ${JSON.stringify(figures[task])}. Take them from glueFigures.`,
      );
    }
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  return scores.reduce((sum, score) => sum + score, 0) / tasks.length;
}
