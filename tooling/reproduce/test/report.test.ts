import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeCards } from '../src/cards.ts';
import { redrawPackage } from '../src/redraw.ts';
import { collectResults } from '../src/report/collect.ts';
import { writeReport } from '../src/report/write-report.ts';
import { parseResult } from '../src/result.ts';
import { runExperiment } from '../src/run-experiment.ts';
import { loadExperiments, openPackage } from '../src/workspace.ts';
import { surroundings } from './toy.ts';
import { toyWorkspace } from './toy-workspace.ts';

/** A workspace whose one experiment has run at two scales, from inside this process. */
async function reproducedWorkspace(
  scales: readonly ('smoke' | 'standard' | 'paper')[] = ['smoke', 'standard'],
) {
  const { workspace, toy } = await toyWorkspace();
  const opened = await openPackage(toy);
  const [loaded] = await loadExperiments(toy);
  const before = process.cwd();
  process.chdir(toy); // where the toy experiment keeps its log
  onTestFinished(() => process.chdir(before));
  const files = [];
  for (const scale of scales) {
    const { file } = await runExperiment(
      loaded!.experiment,
      surroundings(opened.results, { scale, seeds: [0, 1] }),
    );
    files.push(file);
  }
  const read = (name: string) => readFile(join(workspace, name), 'utf8');
  return { workspace, toy, opened, files, read };
}

describe('the report', () => {
  it('is one page that asks for nothing else, escapes text, and shows claim, verdict, figure and provenance', async () => {
    const { workspace, read } = await reproducedWorkspace();
    await writeReport(workspace);
    const page = await read('report/index.html');
    expect(page).not.toMatch(
      /(?:src|href)="(?!#|data:)|@import|url\((?!#)|<script [^>]*src|<link rel="stylesheet"/,
    );
    expect(page).toContain('y is at least &lt;1&gt;');
    expect(page).not.toContain('<1>');
    expect(page).toContain('&quot;one&quot; &amp; more');
    expect(page).toContain('A toy &lt;package&gt;');
    expect(page).toContain('short &lt;enough&gt;');
    expect(page).toContain('No network &amp; no data');
    expect(page).toMatch(/<span class="badge good"\s*>[^]*?reproduced<\/span/);
    expect(page).toContain('1.50 ± 0.01 (n = 2)');
    expect(page.match(/<img\s[^>]*alt="[^"]*y is at least &lt;1&gt;: reproduced\."/g)).toHaveLength(1);
    expect(page).toContain('pnpm@12.21.0 --filter @ockham/toy reproduce --scale standard --only line');
    expect(page).toContain('wasm: asked for by the test');
  });

  it('shows the largest scale open, the verdicts of smaller ones folded below it', async () => {
    const { workspace, read } = await reproducedWorkspace();
    await writeReport(workspace);
    const page = (await read('report/index.html')).replaceAll(/>\s+/g, '>').replaceAll(/\s+</g, '<');
    expect(page.indexOf('Scale standard')).toBeLessThan(page.indexOf('<details><summary>Scale smoke'));
    expect(page).not.toContain('<details><summary>Scale standard');
  });

  it('gives every claim an anchor of its own, and ids that occur once', async () => {
    const { workspace, read } = await reproducedWorkspace();
    await writeReport(workspace);
    const page = await read('report/index.html');
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toContain('toy-line--line--y-is-at-least-1');
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('gives the same bytes for the same results', async () => {
    const { workspace, read } = await reproducedWorkspace();
    await writeReport(workspace);
    const first = [await read('report/index.html'), await read('REPRODUCIBILITY.md')];
    await writeReport(workspace);
    expect([await read('report/index.html'), await read('REPRODUCIBILITY.md')]).toEqual(first);
  });

  it('judges from the rows on disk: a row broken by hand flips the verdict, in the page and after a redraw', async () => {
    const { workspace, opened, files, read } = await reproducedWorkspace(['standard']);
    const path = files[0]!;
    const before = await readFile(path, 'utf8');
    const drawing = await read('packages/toy/reproduce/results/standard/line.svg');
    await writeFile(path, before.replace('"y":0.5', '"y":-50'));
    await writeReport(workspace);
    expect(await read('report/index.html')).toContain(
      'not reproduced from these rows, reproduced in the result file',
    );
    expect(await read('REPRODUCIBILITY.md')).toMatch(
      /\| \*\*not reproduced\*\* \| \[0 of 1\]\(#toy-line--line\)[^]*- \*\*not reproduced\*\*: y is at least/,
    );
    await redrawPackage(opened);
    expect(parseResult(await readFile(path, 'utf8'), path).figures[0]!.claims[0]!.verdict).toBe(
      'not reproduced',
    );
    expect(await read('packages/toy/reproduce/results/standard/line.svg')).not.toBe(drawing);
    await writeFile(path, before);
    await redrawPackage(opened);
    expect(await readFile(path, 'utf8')).toBe(before);
    expect(await read('packages/toy/reproduce/results/standard/line.svg')).toBe(drawing);
  });

  it('names experiments without results, and keeps smoke results out of what is committed', async () => {
    const { workspace, read } = await toyWorkspace().then(async ({ workspace }) => ({
      workspace,
      read: (name: string) => readFile(join(workspace, name), 'utf8'),
    }));
    await writeReport(workspace);
    expect(await read('report/index.html')).toContain('Not run yet: toy/line.');
    expect(await read('REPRODUCIBILITY.md')).toMatch(
      /\*\*not run\*\*: line needs a run; `npx --yes pnpm@12\.21\.0 --filter @ockham\/toy reproduce --scale standard --only line`/,
    );
    const smoke = await reproducedWorkspace(['smoke']);
    await writeReport(smoke.workspace);
    expect(await smoke.read('REPRODUCIBILITY.md')).toMatch(
      /0 of 0 reproduced[^]*\*\*not run\*\*: line needs a standard run on full data/,
    );
  });

  it('refuses a result that is cut off or of another schema, naming the file', async () => {
    const { workspace, files } = await reproducedWorkspace(['standard']);
    const text = await readFile(files[0]!, 'utf8');
    await writeFile(files[0]!, text.slice(0, 200));
    await expect(collectResults(workspace)).rejects.toMatchObject({ code: 'corrupt-file' });
    await writeFile(files[0]!, text.replace('"schema": 1', '"schema": 99'));
    await expect(collectResults(workspace)).rejects.toThrow(
      /line\.json must be a result of schema 1, got schema 99/,
    );
  });
});

describe('result cards', () => {
  it('go between the markers of the README, and a second time change nothing', async () => {
    const { opened, read } = await reproducedWorkspace();
    expect(await writeCards(opened)).toContain('results written');
    const readme = await read('packages/toy/README.md');
    expect(readme).toMatch(/^# Toy\n\n<!-- results:start -->/);
    expect(readme).toMatch(/<!-- results:end -->\n\nAfter\.\n$/);
    expect(readme).toContain(
      '| y is at least &lt;1> | 1.50 ± 0.01 (n = 2) | "one" &amp; more | **reproduced** |',
    );
    expect(readme).toContain('](reproduce/results/standard/line.svg)');
    expect(readme).toContain('1. No network &amp; no data');
    expect(await writeCards(opened)).toContain('up to date');
    expect(await read('packages/toy/README.md')).toBe(readme);
  });

  it('have the count of verdicts above them where the README has a place for it', async () => {
    const { opened, toy, read } = await reproducedWorkspace(['standard']);
    const readme = `# Toy\n\n<!-- verdicts:start -->\n<!-- verdicts:end -->\n\n<!-- results:start -->\n<!-- results:end -->\n`;
    await writeFile(join(toy, 'README.md'), readme);
    await writeCards(opened);
    expect(await read('packages/toy/README.md')).toContain(
      'Claims of the paper and our own bars: [1 of 1 reproduced](../../REPRODUCIBILITY.md#toy).',
    );
  });

  it('need the markers, and leave a README without them alone', async () => {
    const { opened, toy } = await reproducedWorkspace(['standard']);
    await writeFile(join(toy, 'README.md'), '# Toy\n');
    await expect(writeCards(opened)).rejects.toThrow(/results:start/);
    expect(await readFile(join(toy, 'README.md'), 'utf8')).toBe('# Toy\n');
  });
});
