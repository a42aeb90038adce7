import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { withCards } from '../src/cards.ts';
import { paper } from '../src/papers.ts';
import type { PackagePapers } from '../src/papers.ts';
import type { ShownPackage } from '../src/report/collect.ts';
import { collectResults, lasting } from '../src/report/collect.ts';
import { headline } from '../src/report/package-table.ts';
import { problemsOfPapers } from '../src/report/paper-problems.ts';
import { rowsOf, statusOf } from '../src/report/paper-rows.ts';
import { reproducibilityPage } from '../src/report/reproducibility.ts';
import { withPackageTable, writeReport } from '../src/report/write-report.ts';
import { toyWorkspace } from './toy-workspace.ts';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const read = (...names: string[]) => readFile(join(workspace, ...names), 'utf8');

let packages: ShownPackage[];
beforeAll(async () => {
  packages = await collectResults(workspace, { draw: false });
});

/** The packages with one part of the papers of `name` replaced. */
function withPapers(name: string, change: (papers: PackagePapers) => PackagePapers): ShownPackage[] {
  return packages.map((shown) =>
    basename(shown.opened.folder) === name ? { ...shown, papers: change(shown.papers!) } : shown,
  );
}

describe('the papers', () => {
  it('are all declared, and each figure and table has a row that leads to experiments or says why not', () => {
    expect(problemsOfPapers(packages, (path) => existsSync(join(workspace, path)))).toEqual([]);
    // counted in the papers: figures, tables, and what has no number
    const counted = packages.flatMap(({ papers }) =>
      papers!.papers.map(({ prints }) => {
        const labels = Object.keys(prints);
        const figures = labels.filter((label) => label.startsWith('Figure ')).length;
        const tables = labels.filter((label) => label.startsWith('Table ')).length;
        return [figures, tables, labels.length - figures - tables];
      }),
    );
    expect(counted).toEqual([
      [5, 1, 0], // count-sketch-embed
      [5, 0, 0], // cssl
      [0, 0, 22], // deepspeed-lite, which prints neither: its sections
      [2, 0, 0], // feature-subsample
      [3, 1, 0], // fw-prune
      [3, 0, 0], // lowrank
      [0, 0, 10], // the talk: its slides
      [3, 0, 0], // quantum-game
    ]);
  });

  it('have a row in the summary for every label', async () => {
    const summary = await read('REPRODUCIBILITY.md');
    for (const { opened, papers } of rowsOf(packages, lasting)) {
      const own = summary.split(`### ${basename(opened.folder)}\n`)[1]!.split('\n### ')[0]!;
      for (const { label } of papers.flatMap(({ rows }) => rows)) expect(own).toContain(`| ${label} |`);
    }
  });

  it('are refused without an answer, with one to nothing, and with a number left out', () => {
    const problems = (change: (papers: PackagePapers) => PackagePapers) =>
      problemsOfPapers(withPapers('fw-prune', change), () => true);
    const of = (prints: Record<string, string>, answers: PackagePapers['papers'][0]['answers']) =>
      problems((papers) => ({ ...papers, papers: [{ title: 'T', prints, answers }] }));
    const none = { notTestable: 'a drawing' };
    expect(of({ 'Figure 1': 'x' }, {})).toEqual(['fw-prune, T: nothing answers to Figure 1']);
    expect(of({ 'Figure 1': 'x' }, { 'Figure 1': { figures: ['fw-prune/lenet-5#nothing'] } })).toEqual([
      'fw-prune, T, Figure 1: there is no figure fw-prune/lenet-5#nothing',
    ]);
    expect(of({ 'Figure 2': 'x' }, { 'Figure 2': none })).toEqual(['fw-prune, T: Figure 1 is left out']);
    expect(of({}, { 'Figure 1': none })).toEqual(['fw-prune, T: it does not print Figure 1']);
    expect(problemsOfPapers(packages, () => false)).not.toEqual([]);
    expect(problemsOfPapers([{ ...packages[0]!, papers: undefined }], () => true)).toEqual([
      'count-sketch-embed: there is no reproduce/papers.ts',
    ]);
  });

  it('have a headline for the root README that is one of the claims, and reproduced', () => {
    for (const shown of packages) {
      const said = headline(shown);
      expect(said).toMatch(/\d/);
      expect(said).not.toMatch(/\{ours\}|\((?:not reproduced|inconclusive|skipped)\)$/);
    }
    const [lost] = withPapers('count-sketch-embed', (papers) => ({
      ...papers,
      headline: { ...papers.headline, claim: 'no such claim' },
    }));
    expect(() => headline(lost!)).toThrow(/must name a claim of count-sketch-embed\/word-level#word-level/);
  });
});

describe('what is committed', () => {
  it('is what the results give: the summary, the table of packages, the cards and their verdicts', async () => {
    expect(await read('REPRODUCIBILITY.md'), 'run the root script report').toBe(
      reproducibilityPage(packages),
    );
    const readme = await read('README.md');
    expect(await withPackageTable(readme, workspace, packages), 'run the root script report').toBe(readme);
    for (const shown of packages) {
      const own = await readFile(join(shown.opened.folder, 'README.md'), 'utf8');
      expect(own).toContain('<!-- verdicts:start -->');
      expect(withCards(own, shown), `run reproduce --cards in ${shown.opened.name}`).toBe(own);
    }
  });
});

describe('the status of a figure', () => {
  const claims = (...verdicts: ('reproduced' | 'not reproduced' | 'inconclusive' | 'skipped')[]) =>
    verdicts.map((verdict) => ({ text: '', paper: '', verdict, ours: '', values: {}, why: '' }));

  it('follows from its verdicts, and is never verified while something has not run', () => {
    expect(statusOf(claims('reproduced', 'reproduced'))).toBe('verified');
    expect(statusOf(claims('reproduced', 'reproduced'), false)).toBe('partly');
    expect(statusOf(claims('reproduced', 'skipped'), false)).toBe('partly');
    expect(statusOf(claims('reproduced', 'not reproduced'))).toBe('partly');
    expect(statusOf(claims('not reproduced', 'inconclusive'))).toBe('not reproduced');
    expect(statusOf(claims('inconclusive'))).toBe('undecided');
    expect(statusOf(claims())).toBe('undecided');
    expect(statusOf(claims(), false)).toBe('not run');
    expect(statusOf(claims('skipped', 'skipped'), false)).toBe('not run');
  });
});

describe('a workspace with a paper', () => {
  it('has the table of packages in its README, and a README without markers left alone', async () => {
    const { workspace: toy } = await toyWorkspace();
    const papers: PackagePapers = {
      effect: 'draws | lines',
      headline: { figure: 'toy/line#line', claim: 'y is at least <1>', say: 'y is {ours}' },
      papers: [
        paper({
          title: 'Lines',
          prints: { 'Figure 1': 'y against x' },
          answers: { 'Figure 1': { figures: ['toy/line#line'] } },
        }),
      ],
    };
    await writeFile(
      join(toy, 'packages/toy/reproduce/papers.ts'),
      `export default ${JSON.stringify(papers)};\n`,
    );
    await mkdir(join(toy, 'packages/other'));
    await writeFile(
      join(toy, 'packages/other/package.json'),
      '{ "name": "@ockham/other", "description": "Shared" }',
    );
    await writeFile(join(toy, 'README.md'), '# Toys\n');
    await writeReport(toy);
    expect(await readFile(join(toy, 'README.md'), 'utf8')).toBe('# Toys\n');
    await writeFile(join(toy, 'README.md'), '# Toys\n\n<!-- packages:start -->\n<!-- packages:end -->\n');
    await writeReport(toy);
    const readme = await readFile(join(toy, 'README.md'), 'utf8');
    expect(readme).toContain('| [`@ockham/other`](packages/other#readme) | Shared | – | – |');
    expect(readme).toContain(
      '| [`@ockham/toy`](packages/toy#readme) | draws \\| lines | – | [0 of 0 reproduced](REPRODUCIBILITY.md#toy) |',
    );
    const summary = await readFile(join(toy, 'REPRODUCIBILITY.md'), 'utf8');
    expect(summary).toContain('| Figure 1 | y against x | **not run**: line needs a run;');
  });
});
