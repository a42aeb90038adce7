import { describe, expect, it } from 'vitest';
import { claim, evaluateClaims, experiment } from '../src/index.ts';
import type { Circumstances, Finding } from '../src/index.ts';
import { toyExperiment, toyRows } from './toy.ts';

const rows = [0, 1, 2].flatMap((seed) => toyRows(seed, [1, 2]));
const full: Circumstances = { scale: 'standard', sample: false };
const verdicts = (given: typeof rows, circumstances = full) =>
  evaluateClaims(toyExperiment(), given, circumstances).flatMap(({ claims }) =>
    claims.map(({ verdict }) => verdict),
  );

function judged(
  finding: Partial<Finding>,
  options: { minSeeds?: number; decidedFrom?: 'smoke' | 'paper' } = {},
) {
  const one = experiment({
    id: 'toy/one',
    paper: 'Figure 1',
    datasets: [],
    scales: {
      smoke: { seeds: 1, config: {} },
      standard: { seeds: 1, config: {} },
      paper: { seeds: 1, config: {} },
    },
    why: {},
    run: () => rows,
    claims: [
      claim('a claim', {
        paper: 'printed',
        measure: () => ({ holds: true, ours: 'o', values: {}, ...finding }),
        ...options,
      }),
    ],
    plot: () => ({}),
  });
  return (given = rows, circumstances = full) => evaluateClaims(one, given, circumstances)[0]!.claims[0]!;
}

describe('evaluateClaims', () => {
  it('flips a verdict when a row is broken by hand', () => {
    expect(verdicts(rows)).toEqual(['reproduced', 'reproduced']);
    const broken = rows.map((row, i) => (i === 0 ? { ...row, accuracy: 0.5 } : row));
    expect(verdicts(broken)).toEqual(['inconclusive', 'not reproduced']);
    const swapped = rows.map((row) => ({
      ...row,
      accuracy: row.method === 'fast' ? row.accuracy - 0.02 : row.accuracy,
    }));
    expect(verdicts(swapped)).toEqual(['not reproduced', 'not reproduced']);
  });

  it('is inconclusive with too few seeds, below its scale, on a sample, or without rows', () => {
    expect(verdicts(rows.filter(({ seed }) => seed === 0))).toEqual(['inconclusive', 'inconclusive']);
    expect(verdicts(rows, { ...full, scale: 'smoke' })).toEqual(['inconclusive', 'inconclusive']);
    expect(verdicts(rows, { ...full, sample: true })).toEqual(['inconclusive', 'inconclusive']);
    expect(verdicts([])).toEqual(['inconclusive', 'inconclusive']);
    expect(judged({}, { decidedFrom: 'paper' })()).toMatchObject({
      verdict: 'inconclusive',
      why: expect.stringContaining('paper scale'),
    });
  });

  it('does not call a failure "not reproduced" on a sample', () => {
    expect(judged({ holds: false })(rows, { ...full, sample: true }).verdict).toBe('inconclusive');
  });

  it('decides at any scale and with one seed what leaves nothing to chance', () => {
    const decide = judged({ holds: false }, { minSeeds: 1, decidedFrom: 'smoke' });
    expect(decide(rows.slice(0, 1), { scale: 'smoke', sample: false }).verdict).toBe('not reproduced');
  });

  it('is inconclusive when a figure is not finite, whatever the finding says', () => {
    const result = judged({ values: { ratio: NaN, good: 1 } })();
    expect(result).toMatchObject({ verdict: 'inconclusive', values: { good: 1 } });
    expect(result.why).toContain('ratio is NaN');
  });

  it('says what to provide when skipped', () => {
    expect(judged({})([], { ...full, skipped: 'put files there' })).toMatchObject({
      verdict: 'skipped',
      why: 'put files there',
    });
  });
});

describe('experiment', () => {
  const scales = {
    smoke: { seeds: 1, config: {} },
    standard: { seeds: 1, config: {} },
    paper: { seeds: 1, config: {} },
  };
  const rest = { paper: '', datasets: [], why: {}, run: () => rows, claims: [], plot: () => ({}) };

  it('refuses an id without a package, and a scale without seeds', () => {
    expect(() => experiment({ id: 'figure-1', scales, ...rest })).toThrow(
      /<package folder>\/<name>.*got figure-1/,
    );
    const none = { ...scales, paper: { seeds: 0, config: {} } };
    expect(() => experiment({ id: 'toy/a', scales: none, ...rest })).toThrow(
      /scale paper needs at least one seed, got 0/,
    );
  });

  it('refuses two figures of one name', () => {
    const figure = { id: 'a', title: '', paperClaim: '', claims: [], plot: () => ({}) };
    expect(() =>
      experiment({
        id: 'toy/a',
        scales,
        paper: '',
        datasets: [],
        why: {},
        run: () => rows,
        figures: [figure, figure],
      }),
    ).toThrow(/must be unique.*got a/);
  });
});
