import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bench, benchReadme, runBench } from '../src/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'));
  await mkdir(join(folder, 'bench/results'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

const toy = bench({
  id: 'toy/sum',
  question: 'Which?',
  against: { sparse: { dense: 1000 } },
  rounds: 2,
  prepare: () => ({ variants: { dense: () => undefined, sparse: () => undefined } }),
});

it('leaves a README alone that has neither markers nor results', async () => {
  await writeFile(join(folder, 'README.md'), '# Toy\n');
  const { present, wanted } = await benchReadme(folder);
  expect(wanted).toBe(present);
});

it('writes saved results between the markers, and then finds nothing to change', async () => {
  const result = await runBench(toy, 'cpu');
  await writeFile(join(folder, 'bench/results/sum-cpu.json'), JSON.stringify(result));
  await expect(benchReadme(folder)).rejects.toThrow('must hold the lines');
  await writeFile(
    join(folder, 'README.md'),
    '# Toy\n\n<!-- bench:start -->\nold\n<!-- bench:end -->\n\nEnd\n',
  );
  const { path, wanted } = await benchReadme(folder);
  expect(wanted).not.toContain('old');
  expect(wanted).toContain('**Which?** (`toy/sum`)');
  expect(wanted).toContain('**not reached**');
  expect(wanted).toMatch(/End\n$/);
  await writeFile(path, wanted);
  const again = await benchReadme(folder);
  expect(again.wanted).toBe(again.present);
});

it('puts quartiles behind their figure, and leaves out a table of nothing', async () => {
  const counts = bench({
    id: 'toy/counts',
    question: 'How many?',
    against: {},
    rounds: 1,
    prepare: () => ({
      variants: {},
      figures: { ranks: 1.5, 'ranks, lower quartile': 1.25, 'ranks, upper quartile': 1.75, bytes: 4 },
    }),
  });
  await rm(join(folder, 'bench/results/sum-cpu.json'), { force: true });
  await writeFile(join(folder, 'bench/results/counts.json'), JSON.stringify(await runBench(counts, 'cpu')));
  await writeFile(join(folder, 'README.md'), '<!-- bench:start -->\n<!-- bench:end -->\n');
  const { wanted } = await benchReadme(folder);
  expect(wanted).toContain('| ranks | 1.50 (1.25 to 1.75) |\n| bytes | 4');
  expect(wanted).not.toContain('times as fast');
});
