import type { ComparisonRow, ModelComparison } from './compare-models.ts';
import type { ModelReport } from './model-report.ts';
import { textTable } from './text-table.ts';

/** A comparison as an aligned text table, with the warnings below it. */
export function formatComparison(comparison: ModelComparison): string {
  const { before, after, rows, warnings } = comparison;
  const cells = rows.map((row) => [
    row.figure,
    formatValue(row, row.before),
    formatValue(row, row.after),
    row.unit === '%' ? points(row) : times(row.ratio),
  ]);
  const table = textTable([['', before.name, after.name, 'gain'], ...cells]);
  return [table, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}

/** The layers of a report as an aligned text table. */
export function formatLayers(report: ModelReport): string {
  const rows = report.layers.map((layer) => [
    layer.name,
    layer.className,
    formatCount(layer.parameters),
    formatCount(layer.nonZeros),
    layer.kernels === 0 ? '' : `${formatFigure((100 * layer.nonZeroKernels) / layer.kernels)} %`,
    layer.flops === undefined ? 'unknown' : formatCount(layer.flops),
    layer.nonZeroFlops === undefined ? 'unknown' : formatCount(layer.nonZeroFlops),
  ]);
  const total = [
    'all',
    '',
    formatCount(report.parameters),
    formatCount(report.nonZeros),
    report.kernels === 0 ? '' : `${formatFigure((100 * report.nonZeroKernels) / report.kernels)} %`,
    formatCount(report.flops),
    formatCount(report.nonZeroFlops),
  ];
  const head = ['layer', 'type', 'parameters', 'non-zeros', 'kernel kept', 'FLOPs', 'non-zero FLOPs'];
  return textTable([head, ...rows, total], 2);
}

/** A figure with its unit. */
export function formatValue({ unit }: Pick<ComparisonRow, 'unit'>, value: number): string {
  if (unit === '%') return `${value.toFixed(2)} %`;
  if (unit === 'ms') return `${formatFigure(value)} ms`;
  return formatCount(value);
}

function points(row: ComparisonRow): string {
  const difference = row.after - row.before;
  return `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(2)}`;
}

function times(ratio: number): string {
  return Number.isNaN(ratio) ? '' : `${ratio === Number.POSITIVE_INFINITY ? '∞' : formatFigure(ratio)}×`;
}

/** A whole number with thousands separated: `34,826`. */
function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A number to `digits` significant digits, without an exponent where that is readable. */
export function formatFigure(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumSignificantDigits: digits });
}
