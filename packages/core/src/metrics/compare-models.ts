import { ArgumentError } from '../errors.ts';
import { formatFigure, formatValue } from './format-report.ts';
import type { Latency } from './latency.ts';
import type { ModelReport } from './model-report.ts';

/** What a method may promise. */
export type Promised = 'smaller-file' | 'faster' | 'less-memory' | 'fewer-flops';

/** Options of {@link compareModels}. */
export interface CompareOptions {
  /**
   * What the method is used for: a promise that is not kept becomes a warning. Default a smaller file and a
   * faster model, which is what users of a compression method expect.
   */
  readonly promised?: readonly Promised[];
}

/** One figure before and after. */
export interface ComparisonRow {
  /** What was measured, in words. */
  readonly figure: string;
  /** Of both values; empty for a count. */
  readonly unit: '' | 'bytes' | 'ms' | '%';
  /** The figure of the first model. */
  readonly before: number;
  /** The figure of the second model. */
  readonly after: number;
  /**
   * Above 1 is better: before / after for what should shrink, after / before for accuracy. ∞ where a cost fell
   * to 0; NaN for 0 against 0.
   */
  readonly ratio: number;
}

/** What {@link compareModels} finds. */
export interface ModelComparison {
  /** The first model. */
  readonly before: ModelReport;
  /** The second model. */
  readonly after: ModelReport;
  /** Every figure that both models have. */
  readonly rows: readonly ComparisonRow[];
  /** What got worse, what was promised and did not come, what cannot be compared. Empty if all is well. */
  readonly warnings: readonly string[];
}

/** Costs that a report always has. */
const COSTS = [
  ['parameters', 'parameters', ''],
  ['kernels', 'kernel weights', ''],
  ['biases', 'biases', ''],
  ['nonZeros', 'non-zeros', ''],
  ['flops', 'FLOPs', ''],
  ['nonZeroFlops', 'non-zero FLOPs', ''],
  ['bytes', 'bytes on disk', 'bytes'],
  ['gzipBytes', 'gzip bytes', 'bytes'],
  ['residentBytes', 'resident bytes', 'bytes'],
] as const;

/** A latency counts as changed when medians differ by more than this fraction and the quartiles do not overlap. */
const LATENCY_TOLERANCE = 0.05;

/**
 * Compares two reports figure by figure and warns of what users of every compression library complain of: it is
 * not smaller, it is not faster, it did nothing.
 *
 * @param before Of {@link describeModels}, with latencies taken in turns, for the ratio to mean something.
 * @throws ArgumentError for an unknown promise.
 */
export function compareModels(
  before: ModelReport,
  after: ModelReport,
  options: CompareOptions = {},
): ModelComparison {
  const { promised = ['smaller-file', 'faster'] } = options;
  const costs = COSTS.map(([key, figure, unit]) => costRow(figure, unit, before[key], after[key]));
  const files = fileRows(before, after);
  const latencies = latencyPairs(before, after);
  const times = latencies.map(([a, b]) => costRow(`latency, batch ${a.batch}`, 'ms', a.median, b.median));
  const accuracy = accuracyRows(before, after);
  return {
    before,
    after,
    rows: [...costs, ...files, ...times, ...accuracy],
    warnings: [
      ...(nothingChanged(before, after)
        ? ['nothing changed: every count, the size and the accuracy are what they were']
        : []),
      ...costs.filter((row) => row.after > row.before).map(grew),
      ...latencies.filter(([a, b]) => isSlower(a, b)).map(([a, b]) => slower(a, b)),
      ...accuracy.filter((row) => row.after < row.before).map(fell),
      ...promised.flatMap((promise) => broken(promise, before, after, latencies)),
      ...incomparable(before, after),
    ],
  };
}

function costRow(figure: string, unit: ComparisonRow['unit'], before: number, after: number): ComparisonRow {
  return { figure, unit, before, after, ratio: before / after };
}

/** A file in a method's own format is compared with the same file before, or with what TensorFlow.js writes. */
function fileRows(before: ModelReport, after: ModelReport): ComparisonRow[] {
  return Object.entries(after.files).map(([name, bytes]) =>
    costRow(`file: ${name}`, 'bytes', before.files[name] ?? before.bytes, bytes),
  );
}

function latencyPairs(before: ModelReport, after: ModelReport): [before: Latency, after: Latency][] {
  return before.latency.flatMap((a) => {
    const b = after.latency.find(({ batch }) => batch === a.batch);
    return b ? [[a, b] as [Latency, Latency]] : [];
  });
}

function accuracyRows(before: ModelReport, after: ModelReport): ComparisonRow[] {
  if (before.accuracy === undefined || after.accuracy === undefined) return [];
  const [from, to] = [before.accuracy * 100, after.accuracy * 100];
  return [{ figure: 'accuracy', unit: '%', before: from, after: to, ratio: to / from }];
}

function nothingChanged(before: ModelReport, after: ModelReport): boolean {
  const counts = COSTS.every(([key]) => key === 'gzipBytes' || before[key] === after[key]);
  return counts && before.accuracy === after.accuracy && before.loss === after.loss;
}

function isSlower(before: Latency, after: Latency): boolean {
  return after.median > before.median * (1 + LATENCY_TOLERANCE) && after.quartiles[0] > before.quartiles[1];
}

function isFaster(before: Latency, after: Latency): boolean {
  return after.median < before.median * (1 - LATENCY_TOLERANCE) && after.quartiles[1] < before.quartiles[0];
}

function grew(row: ComparisonRow): string {
  return `${row.figure} grew from ${formatValue(row, row.before)} to ${formatValue(row, row.after)}`;
}

function slower(before: Latency, after: Latency): string {
  const factor = formatFigure(after.median / before.median);
  return `it is slower at batch ${before.batch}: ${formatFigure(before.median)} ms became ${formatFigure(after.median)} ms (×${factor})`;
}

function fell(row: ComparisonRow): string {
  return `accuracy fell by ${(row.before - row.after).toFixed(2)} points, from ${row.before.toFixed(2)} % to ${row.after.toFixed(2)} %`;
}

function broken(
  promise: Promised,
  before: ModelReport,
  after: ModelReport,
  latencies: readonly (readonly [Latency, Latency])[],
): string[] {
  switch (promise) {
    case 'smaller-file': {
      if (Math.min(after.bytes, ...Object.values(after.files)) < before.bytes) return [];
      return [
        'the file is not smaller: this format stores a zero like any weight. Save the model in a sparse format, or remove what is zero',
      ];
    }
    case 'faster':
      if (latencies.length === 0) return ['it is not known whether it is faster: latency was not measured'];
      if (latencies.some(([a, b]) => isFaster(a, b))) return [];
      return [
        'it is not faster: a dense engine multiplies by zeros too. Remove channels or neurons to gain speed',
      ];
    case 'less-memory':
      return after.residentBytes < before.residentBytes
        ? []
        : ['it does not take less memory: weights are held dense'];
    case 'fewer-flops':
      return after.flops < before.flops ? [] : ['it does not need fewer FLOPs on a dense engine'];
    default:
      throw new ArgumentError(
        `compareModels: promised must list 'smaller-file', 'faster', 'less-memory' or 'fewer-flops', got '${String(promise)}'.`,
      );
  }
}

function incomparable(before: ModelReport, after: ModelReport): string[] {
  const unknown = [...new Set([...before.unknownFlops, ...after.unknownFlops])];
  const sameData =
    before.examples === undefined || after.examples === undefined || before.examples === after.examples;
  return [
    ...(unknown.length > 0 ? [`FLOPs leave out layers of unknown cost: ${unknown.join(', ')}`] : []),
    ...(before.engine === after.engine
      ? []
      : [`latencies are of different engines: ${before.engine} and ${after.engine}`]),
    ...(sameData ? [] : [`accuracies are of ${before.examples} and ${after.examples} examples`]),
  ];
}
