import { describe, expect, it } from 'vitest';
import { barsOverSeeds, lineOverSeeds, pointsOfRows } from '../src/index.ts';
import { renderSvg } from '../src/svg.ts';
import { toyRows } from './toy.ts';

const rows = [0, 1, 2].flatMap((seed) => toyRows(seed, [1, 2, 4]));
const options = {
  title: 'Accuracy against epochs',
  series: 'method',
  x: { field: 'epochs', title: 'pre-training epochs' },
  y: { field: 'accuracy', title: 'test accuracy', format: '.1%' },
  names: { slow: 'slow & steady', fast: 'fast' },
  rule: { value: 0.965, label: 'dense' },
} as const;

describe('renderSvg', () => {
  it('gives the same bytes for the same rows, whatever was drawn before', async () => {
    const first = await renderSvg(lineOverSeeds(rows, options));
    await renderSvg(barsOverSeeds(rows, options));
    await renderSvg(pointsOfRows(rows, { ...options, facet: 'method' }));
    expect(await renderSvg(lineOverSeeds(rows, options))).toBe(first);
  });

  it('draws title, axis titles, names and rule as text, with a light background', async () => {
    const svg = await renderSvg(lineOverSeeds(rows, options));
    for (const text of [
      options.title,
      options.x.title,
      options.y.title,
      'slow &amp; steady',
      'dense',
      '97.0%',
    ]) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(svg).toMatch(/<rect[^>]*fill="#ffffff"/);
    expect(svg.match(/>dense</g)).toHaveLength(1);
  });

  it('draws a band over seeds for lines, and an error bar for each bar', async () => {
    const bands =
      (await renderSvg(lineOverSeeds(rows, options))).match(/class="mark-area[^"]*".*?<\/g>/gs)?.join('') ??
      '';
    expect(bands.match(/<path/g)).toHaveLength(2);
    const { rule: _, ...plain } = options;
    const svg = await renderSvg(barsOverSeeds(rows, plain));
    const marks = /class="mark-rule role-mark[^"]*".*?<\/g>/s.exec(svg)?.[0] ?? '';
    expect(marks.match(/<line/g)).toHaveLength(6);
  });

  it('orders small charts as the rows come, not by the alphabet', async () => {
    const settings = [...rows.map((row) => ({ ...row, k: 2 })), ...rows.map((row) => ({ ...row, k: 10 }))];
    const svg = await renderSvg(lineOverSeeds(settings, { ...options, facet: 'k', facetLabel: 'κ = ' }));
    expect(svg.indexOf('>κ = 2</text>')).toBeLessThan(svg.indexOf('>κ = 10</text>'));
  });

  it('refuses bars on a logarithmic axis, where they have nothing to stand on', () => {
    expect(() => barsOverSeeds(rows, { ...options, y: { field: 'accuracy', scale: 'log' } })).toThrow(
      /linear axis/,
    );
  });

  it('orders series by their names, not by the rows', async () => {
    const svg = await renderSvg(lineOverSeeds([...rows].reverse(), options));
    expect(svg.indexOf('>slow &amp; steady</text>')).toBeLessThan(svg.indexOf('>fast</text>'));
  });

  it('takes an own spec as it is', async () => {
    const svg = await renderSvg({
      data: { values: rows },
      mark: 'point',
      encoding: { x: { field: 'seed', type: 'ordinal' } },
    });
    expect(svg).toContain('>seed</text>');
  });
});
