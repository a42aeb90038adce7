import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPackages, findWorkspace, loadExperiments, openPackage } from '../src/workspace.ts';
import { temporaryFolder } from './toy.ts';
import { toyWorkspace } from './toy-workspace.ts';

const readJson = async <T>(path: string) => JSON.parse(await readFile(path, 'utf8')) as T;

describe('the repository', () => {
  it('runs the experiments of every package, of one or of all', async () => {
    const workspace = findWorkspace(fileURLToPath(new URL('.', import.meta.url)));
    const packages = await findPackages(workspace);
    expect(packages.map(({ name }) => name)).toContain('@ockham/fw-prune');
    for (const { folder } of packages) {
      const { scripts } = await readJson<{ scripts: Record<string, string> }>(join(folder, 'package.json'));
      expect(scripts.reproduce).toBe('ockham-reproduce');
    }
  });
});

describe('a package', () => {
  it('is refused without a reproduce folder, and outside a workspace', async () => {
    const { workspace } = await toyWorkspace();
    await expect(openPackage(workspace)).rejects.toThrow(/must hold a package.json and a reproduce folder/);
    const folder = await temporaryFolder();
    expect(() => findWorkspace(folder)).toThrow(/no pnpm-workspace.yaml at or above/);
  });

  it.each([
    ['export const experiment = 1;', /must export experiment\(\{ … \}\) by default/],
    ["export default { id: 'other/line', figures: [] };", /must begin with toy\/, got other\/line/],
    ["export default { id: 'toy/line', figures: [] };", /two experiments are called toy\/line/],
  ])('is refused with an experiment file like %s', async (source, message) => {
    const { toy } = await toyWorkspace();
    await writeFile(join(toy, 'reproduce', 'second.experiment.ts'), source);
    await expect(loadExperiments(toy)).rejects.toThrow(message);
  });

  it('has the figures and tables of the paper first, then the other experiments by name', async () => {
    const { toy } = await toyWorkspace();
    for (const name of ['table-2', 'a-study', 'figure-1']) {
      const source = `export default { id: 'toy/${name}', figures: [] };`;
      await writeFile(join(toy, 'reproduce', `${name}.experiment.ts`), source);
    }
    const loaded = await loadExperiments(toy);
    expect(loaded.map(({ experiment }) => experiment.id)).toEqual([
      'toy/figure-1',
      'toy/table-2',
      'toy/a-study',
      'toy/line',
    ]);
  });
});
