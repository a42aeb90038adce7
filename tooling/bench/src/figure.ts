import type { BenchResult } from './bench.ts';

/** A Vega-Lite specification of a result: a bar for each variant, with its middle half. */
export function figure({ id, timings }: BenchResult): Readonly<Record<string, unknown>> {
  const values = Object.entries(timings).map(([name, t]) => ({ name, ...t }));
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 480 } };
  const scale = { type: 'log', nice: false };
  return {
    title: id,
    data: { values },
    height: { step: 26 },
    layer: [
      {
        mark: { type: 'point', filled: true, size: 70, opacity: 1 },
        encoding: {
          y,
          x: { field: 'median', type: 'quantitative', title: 'ms, median and quartiles', scale },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: {
          y,
          x: { field: 'lowerQuartile', type: 'quantitative', scale },
          x2: { field: 'upperQuartile' },
        },
      },
    ],
  };
}
