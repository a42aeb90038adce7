import type { SeedStatistics } from './rows.ts';

/** How a figure is printed. */
export interface FigureFormat {
  /** Multiplies what is shown, for example 100 for per cent. Bounds stay in the rows' own unit. Default 1. */
  readonly scale?: number;
  /** Default none. */
  readonly unit?: string;
  /** Digits after the point. Default 2. */
  readonly digits?: number;
}

/** `98.12 ± 0.08 % (n = 5)`. */
export function formatStatistics(statistics: SeedStatistics, options: FigureFormat = {}): string {
  return `${plusMinus(statistics, options)} (n = ${statistics.n})`;
}

/** `98.12 ± 0.08 %`, without a spread where there is one seed. */
export function plusMinus({ mean, sd, n }: SeedStatistics, options: FigureFormat): string {
  const spread = n > 1 ? ` ± ${number(sd, options)}` : '';
  return `${number(mean, options)}${spread}${suffix(options.unit)}`;
}

/** `+1.70`. */
export function signed(value: number, options: FigureFormat): string {
  const text = number(value, options);
  return text.startsWith('−') ? text : `+${text}`;
}

/** A figure with a true minus sign, and no negative zero. */
export function number(value: number, { scale = 1, digits = 2 }: FigureFormat): string {
  return (value * scale)
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, '')
    .replace('-', '−');
}

/** The unit as a suffix. */
export function suffix(unit: string | undefined): string {
  return unit ? ` ${unit}` : '';
}

/** `p = 0.012`, `p < 0.001`. */
export function formatP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}
