import type { Row } from './experiment.ts';
import { groupBy, overSeeds } from './rows.ts';

/** A Vega-Lite specification. The runner adds the house's fonts, sizes and colours, and the title if it has none. */
export type PlotSpec = Readonly<Record<string, unknown>>;

/** A column on an axis. */
export interface Axis<R extends Row> {
  readonly field: keyof R & string;
  /** With its unit: `inference time, ms`. Default the field's name. */
  readonly title?: string;
  /** A d3 format, for example `.1%`. */
  readonly format?: string;
  /** Default `linear`. */
  readonly scale?: 'linear' | 'log';
  /** Limits of the axis. Default those of the data, without zero. */
  readonly domain?: readonly [number, number];
}

export interface SeedPlotOptions<R extends Row> {
  readonly title: string;
  readonly x: Axis<R>;
  readonly y: Axis<R>;
  /** Column that tells the lines or bars apart. */
  readonly series: keyof R & string;
  /** Order and names of the series, `{ 'momentum': 'FW + momentum' }`. Default order of appearance, as they are. */
  readonly names?: Readonly<Record<string, string>>;
  /** One small chart per value of this column. */
  readonly facet?: keyof R & string;
  /** What stands before that value: `κ = `. Default nothing. */
  readonly facetLabel?: string;
  /** A horizontal line with its label, for example the dense network. */
  readonly rule?: { readonly value: number; readonly label: string };
}

/**
 * Lines of the mean over seeds, with a band of ± one standard deviation; on a logarithmic axis both are those of the
 * logarithm. Series differ by colour and by symbol.
 *
 * @example
 * plot: (rows) => lineOverSeeds(rows, { title: 'Accuracy', series: 'method', x: { field: 'epochs' }, y: { field: 'accuracy' } })
 */
export function lineOverSeeds<R extends Row>(rows: readonly R[], options: SeedPlotOptions<R>): PlotSpec {
  const { x, y } = options;
  const base = { x: xEncoding(x), ...seriesEncoding(rows, options) };
  return assemble(rows, options, [
    {
      mark: { type: 'area', opacity: 0.18, line: false },
      encoding: { ...base, y: yEncoding(y, 'low'), y2: { field: 'high' }, shape: undefined },
    },
    {
      mark: { type: 'line', strokeWidth: 2 },
      encoding: { ...base, y: yEncoding(y, 'mean'), shape: undefined },
    },
    {
      mark: { type: 'point', filled: true, size: 60, opacity: 1 },
      encoding: { ...base, y: yEncoding(y, 'mean') },
    },
  ]);
}

/** Bars of the mean over seeds, grouped by series, with an error bar of ± one standard deviation. `x` is a category. */
export function barsOverSeeds<R extends Row>(rows: readonly R[], options: SeedPlotOptions<R>): PlotSpec {
  const { x, y, series } = options;
  // they stand on zero, which such an axis has not
  if (y.scale === 'log')
    throw new Error(`barsOverSeeds: bars of ${y.field} need a linear axis, got log. Draw lines or points.`);
  const offset = { field: 'series', sort: seriesNames(rows, options) };
  const base = {
    x: {
      field: 'x',
      type: 'ordinal',
      title: x.title ?? x.field,
      sort: series === x.field ? seriesNames(rows, options) : null,
      axis: {
        labelAngle: 0,
        // A long name takes several lines instead of being cut.
        ...(x.format
          ? { format: x.format }
          : { labelExpr: "length(datum.label) > 12 ? split(datum.label, ' ') : datum.label" }),
      },
    },
    xOffset: offset,
  };
  const { color } = seriesEncoding(rows, options);
  const single = series === x.field;
  const encoding = single ? { x: base.x } : base;
  const layers = [
    {
      mark: { type: 'bar' },
      encoding: {
        ...encoding,
        y: yEncoding(y, 'mean', true),
        color: single ? { ...color, legend: null } : color,
      },
    },
    {
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { ...encoding, y: yEncoding(y, 'low', true), y2: { field: 'high' } },
    },
  ];
  const count = new Set(rows.map((row) => row[series])).size;
  const step = Math.max(78, Math.min(130, 780 / count));
  return { ...assemble(rows, options, layers), ...(single && !options.facet && { width: { step } }) };
}

/** One symbol per row, for example accuracy against compression where every seed should be seen. */
export function pointsOfRows<R extends Row>(rows: readonly R[], options: SeedPlotOptions<R>): PlotSpec {
  const { x, y, series, facet, facetLabel = '', names = {} } = options;
  const values = rows.map((row) => ({
    x: row[x.field],
    y: row[y.field],
    series: names[String(row[series])] ?? String(row[series]),
    ...(facet && { facet: `${facetLabel}${String(row[facet])}` }),
  }));
  const encoding = { x: xEncoding(x), y: yEncoding(y, 'y'), ...seriesEncoding(rows, options) };
  return finish(options, values, [
    { mark: { type: 'point', filled: true, size: 50, opacity: 0.75 }, encoding },
  ]);
}

function assemble<R extends Row>(
  rows: readonly R[],
  options: SeedPlotOptions<R>,
  layers: readonly object[],
): PlotSpec {
  const { x, y, series, facet, facetLabel = '', names = {} } = options;
  // what is not above zero has no place on a logarithmic axis
  const placed = y.scale === 'log' ? rows.filter((row) => Number(row[y.field]) > 0) : rows;
  const groups = groupBy(placed, (row) => JSON.stringify([facet && row[facet], row[series], row[x.field]]));
  const values = [...groups.values()].map((group) => {
    const row = group[0]!;
    const { n, ...band } = y.scale === 'log' ? logBand(group, y.field) : shareBand(group, y);
    return {
      x: x.field === series ? (names[String(row[series])] ?? row[series]) : row[x.field],
      series: names[String(row[series])] ?? String(row[series]),
      ...(facet && { facet: `${facetLabel}${String(row[facet])}` }),
      ...band,
      n,
    };
  });
  return finish(options, values, layers);
}

interface Band {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

function linearBand<R extends Row>(group: readonly R[], field: keyof R): Band {
  const { mean, sd, n } = overSeeds(group, (row) => Number(row[field]));
  return { mean, low: mean - sd, high: mean + sd, n };
}

/** A share has its band between 0 and 1. */
function shareBand<R extends Row>(group: readonly R[], { field, format }: Axis<R>): Band {
  const { mean, low, high, n } = linearBand(group, field);
  const share =
    format?.endsWith('%') && group.every((row) => Number(row[field]) >= 0 && Number(row[field]) <= 1);
  return share ? { mean, low: Math.max(low, 0), high: Math.min(high, 1), n } : { mean, low, high, n };
}

/** The band of the logarithm, so that it does not reach below zero. */
function logBand<R extends Row>(group: readonly R[], field: keyof R): Band {
  const { mean, low, high, n } = linearBand(
    group.map((row) => ({ seed: row.seed, log: Math.log(Number(row[field])) })),
    'log',
  );
  return { mean: Math.exp(mean), low: Math.exp(low), high: Math.exp(high), n };
}

function finish<R extends Row>(
  options: SeedPlotOptions<R>,
  values: readonly { readonly facet?: string }[],
  layers: readonly object[],
): PlotSpec {
  const { title, facet, rule } = options;
  const layer = rule
    ? [
        ...layers,
        {
          data: { values: [{}] },
          mark: { type: 'rule', strokeDash: [4, 3] },
          encoding: { y: { datum: rule.value } },
        },
        {
          data: { values: [{}] },
          mark: { type: 'text', align: 'right', baseline: 'bottom', dy: -3, x: 'width' },
          encoding: { y: { datum: rule.value }, text: { value: rule.label } },
        },
      ]
    : layers;
  const data = { values };
  if (!facet) return { title, data, layer };
  return {
    title,
    data,
    facet: {
      field: 'facet',
      type: 'nominal',
      title: null,
      sort: [...new Set(values.map((value) => value.facet))],
    },
    columns: 2,
    spec: { width: 260, height: 200, layer },
  };
}

function xEncoding<R extends Row>({
  field,
  title = field,
  format,
  scale = 'linear',
  domain,
}: Axis<R>): object {
  return {
    field: 'x',
    type: 'quantitative',
    title,
    scale: { type: scale, ...linearZero(scale, false), nice: false, padding: 12, ...(domain && { domain }) },
    ...(format && { axis: { format } }),
  };
}

function yEncoding<R extends Row>(
  { field: column, title = column, format, scale = 'linear', domain }: Axis<R>,
  field: string,
  zero = false,
): object {
  return {
    field,
    type: 'quantitative',
    title,
    scale: { type: scale, ...linearZero(scale, zero && !domain), ...(domain && { domain, clamp: true }) },
    ...(format && { axis: { format } }),
  };
}

function linearZero(scale: 'linear' | 'log', zero: boolean): object {
  return scale === 'linear' ? { zero } : {};
}

function seriesNames<R extends Row>(
  rows: readonly R[],
  { series, names = {} }: SeedPlotOptions<R>,
): string[] {
  const present = new Set(rows.map((row) => String(row[series])));
  const ordered = [...Object.keys(names).filter((name) => present.has(name)), ...present];
  return [...new Set(ordered)].map((name) => names[name] ?? name);
}

function seriesEncoding<R extends Row>(
  rows: readonly R[],
  options: SeedPlotOptions<R>,
): { color: object; shape: object } {
  const domain = seriesNames(rows, options);
  const encoding = { field: 'series', type: 'nominal', title: null, scale: { domain }, sort: domain };
  return { color: encoding, shape: encoding };
}
