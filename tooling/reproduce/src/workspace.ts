import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError } from '@ockham/core';
import type { Experiment } from './experiment.ts';
import type { PackagePapers } from './papers.ts';

/** A package that reproduces a paper. */
export interface ReproducingPackage {
  /** Absolute. */
  readonly folder: string;
  /** `@ockham/fw-prune`. */
  readonly name: string;
  readonly description: string;
  /** `<folder>/reproduce/results`. */
  readonly results: string;
  /** What starts the workspace's package manager on a fresh machine: `npx --yes pnpm@…`. */
  readonly launcher: string;
}

/** The nearest folder at or above `from` that holds a pnpm workspace. */
export function findWorkspace(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder;
    if (folder === dirname(folder)) {
      throw new ArgumentError(
        `ockham-reproduce: no pnpm-workspace.yaml at or above ${from}. Run it inside the repository.`,
      );
    }
  }
}

/** The package in `folder`. */
export async function openPackage(folder: string): Promise<ReproducingPackage> {
  if (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'reproduce'))) {
    throw new ArgumentError(
      `ockham-reproduce: ${folder} must hold a package.json and a reproduce folder. Run it in a method package, for example ` +
        'pnpm --filter @ockham/fw-prune reproduce.',
    );
  }
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    description?: string;
  };
  return {
    folder,
    name: manifest.name,
    description: manifest.description ?? '',
    results: join(folder, 'reproduce', 'results'),
    launcher: await launcherOf(findWorkspace(folder)),
  };
}

async function launcherOf(workspace: string): Promise<string> {
  const text = await readFile(join(workspace, 'package.json'), 'utf8').catch(() => '{}');
  const { packageManager } = JSON.parse(text) as { packageManager?: string };
  return packageManager ? `npx --yes ${packageManager}` : 'pnpm';
}

/** Every package of the workspace with a reproduce folder, by name. */
export async function findPackages(workspace: string): Promise<ReproducingPackage[]> {
  const folders = (await readdir(join(workspace, 'packages')).catch(() => [])).sort();
  const reproducing = folders
    .map((name) => join(workspace, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'reproduce')));
  return Promise.all(
    reproducing.filter((folder) => existsSync(join(folder, 'package.json'))).map(openPackage),
  );
}

const OF_THE_PAPER = /^(figure|table)/;

/** An experiment and the module that it came from. */
export interface LoadedExperiment {
  readonly experiment: Experiment;
  readonly url: string;
}

/**
 * Imports every `reproduce/*.experiment.ts` of a package: those named after a figure or table of the paper first,
 * then the others, in order of name.
 *
 * @throws ArgumentError for a file without an experiment, one filed under another package, or an id used twice.
 */
export async function loadExperiments(folder: string): Promise<LoadedExperiment[]> {
  const names = (await readdir(join(folder, 'reproduce')))
    .filter((name) => name.endsWith('.experiment.ts'))
    .sort((a, b) => Number(OF_THE_PAPER.test(b)) - Number(OF_THE_PAPER.test(a)) || (a < b ? -1 : 1));
  const loaded: LoadedExperiment[] = [];
  for (const name of names) {
    const url = pathToFileURL(join(folder, 'reproduce', name)).href;
    const { default: experiment } = (await import(url)) as { default?: Experiment };
    if (!experiment?.id || !Array.isArray(experiment.figures)) {
      throw new ArgumentError(
        `ockham-reproduce: ${name} must export experiment({ … }) by default, got ${typeof experiment}.`,
      );
    }
    if (!experiment.id.startsWith(`${basename(folder)}/`)) {
      throw new ArgumentError(
        `ockham-reproduce: the id of ${name} must begin with ${basename(folder)}/, got ${experiment.id}.`,
      );
    }
    if (loaded.some((other) => other.experiment.id === experiment.id)) {
      throw new ArgumentError(
        `ockham-reproduce: two experiments are called ${experiment.id}. Rename the one in ${name}.`,
      );
    }
    loaded.push({ experiment, url });
  }
  return loaded;
}

/** What `reproduce/papers.ts` declares; nothing where a package has none. */
export async function loadPapers(folder: string): Promise<PackagePapers | undefined> {
  const path = join(folder, 'reproduce', 'papers.ts');
  if (!existsSync(path)) return undefined;
  const { default: declared } = (await import(pathToFileURL(path).href)) as { default?: PackagePapers };
  if (!declared?.papers || !declared.headline) {
    throw new ArgumentError(
      `ockham-reproduce: ${path} must export { papers, headline } by default, got ${typeof declared}.`,
    );
  }
  return declared;
}
