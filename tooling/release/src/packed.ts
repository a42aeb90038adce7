import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleSize, bundleWhole, sizeOf, type BundleSize } from './bundle.ts';
import { checkFiles } from './check-files.ts';
import { checkLayers } from './check-layers.ts';
import { incompatible, licences } from './check-licences.ts';
import { entriesOf } from './entries.ts';
import { inTurns } from './in-turns.ts';
import { installAlone, installBase, type Manager, type Project } from './install.ts';
import { findNodes, type NodeLine } from './nodes.ts';
import { packAll } from './pack.ts';
import { firstExample } from './readme.ts';
import { sh } from './shell.ts';
import { overLimit, sizeTable, type EntrySize } from './sizes.ts';

/**
 * A release, rehearsed: packs the published packages, installs each tarball alone, runs the first example of the README that
 * came with it, imports each of its entries, bundles it for the browser and weighs it.
 *
 * As it is, every package meets both package managers and every line of Node, and each manager every line; with `--full`
 * everything meets everything, and nothing is shared between installations. Names of packages restrict it to them.
 */
const { values, positionals } = parseArgs({ options: { full: { type: 'boolean' } }, allowPositionals: true });
const full = values.full === true;
const managers: readonly Manager[] = ['npm', 'pnpm'];
const started = performance.now();
const say = (line: string): void =>
  void process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

async function runExample({ folder, packed, manager }: Project, { line, program }: NodeLine): Promise<void> {
  const { name } = packed.manifest;
  const printed = await sh(folder, [program, 'example.js']);
  if (printed.trim() === '') throw new Error(`${name}: the first example must print something, got nothing.`);
  say(`${name} by ${manager} on Node ${line}: the README's example runs`);
}

/** Every entry, the ones for Node too, can be imported from what was packed. */
async function importAll({ folder, packed: { manifest } }: Project, { program }: NodeLine): Promise<void> {
  const imports = entriesOf(manifest).map(({ entry }) => `await import('${entry}');\n`);
  writeFileSync(join(folder, 'entries.js'), imports.join(''));
  await sh(folder, [program, 'entries.js']);
}

async function weigh({ folder, packed: { manifest } }: Project): Promise<EntrySize[]> {
  const sizes: EntrySize[] = [];
  for (const { entry, node } of entriesOf(manifest)) {
    if (node) continue;
    const size: BundleSize = await bundleSize(folder, entry);
    if (entry === manifest.name) {
      await bundleWhole(folder, entry);
      const program = readFileSync(join(folder, 'example.js'), 'utf8');
      const { start } = /\/node';/.test(program) ? { start: 0 } : await sizeOf(folder, program);
      sizes.push({ entry, ...size, example: start });
    } else sizes.push({ entry, ...size });
  }
  return sizes;
}

const folder = mkdtempSync(join(tmpdir(), 'ockham-packed-'));
try {
  for (const each of ['tarballs', 'nodes']) mkdirSync(join(folder, each));
  const packed = await packAll(join(folder, 'tarballs'));
  const wanted = packed.filter(
    ({ manifest }) => positionals.length === 0 || positionals.includes(manifest.name),
  );
  if (wanted.length < positionals.length)
    throw new Error(`not all of ${positionals.join(', ')} are published here.`);
  say(`${packed.length} packages packed`);
  const nodes = await findNodes(join(folder, 'nodes'));
  const base = full ? undefined : await installBase(join(folder, 'base'));
  say(`Node ${nodes.map(({ line }) => line).join(', ')} found`);

  const projects = await inTurns(
    wanted.flatMap((each) => managers.map((manager) => ({ each, manager }))),
    async ({ each, manager }) => {
      const home = join(folder, manager, each.manifest.name);
      const project = await installAlone(each, packed, manager, home, base);
      const readme = readFileSync(join(home, 'node_modules', each.manifest.name, 'README.md'), 'utf8');
      writeFileSync(join(home, 'example.js'), firstExample(readme));
      say(`${each.manifest.name} installed by ${manager}`);
      return project;
    },
  );
  const ofNpm = projects.filter(({ manager }) => manager === 'npm');

  const problems = ofNpm.flatMap((project) => checkFiles(project));
  const found = new Map(ofNpm.flatMap((project) => [...licences(project)]));
  problems.push(...incompatible(found));
  say(`files and the licences of ${found.size} packages looked through`);

  const runs = projects.flatMap((project, i) =>
    nodes.flatMap((node, j) => (full || (Math.floor(i / 2) + i + j) % 2 === 0 ? [{ project, node }] : [])),
  );
  await inTurns(runs, ({ project, node }) => runExample(project, node));

  const sizes = await inTurns(ofNpm, async (project) => {
    await importAll(project, nodes[0]!);
    const layers = await checkLayers(project);
    const weights = await weigh(project);
    say(`${project.packed.manifest.name}: bundled; ${layers} classes of layers survive it`);
    return weights;
  });
  process.stdout.write(`\n${sizeTable(sizes.flat())}\n\n`);
  problems.push(...overLimit(sizes.flat()));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  say(`${projects.length} installations and ${runs.length} examples passed`);
} catch (error) {
  process.stderr.write(`packed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
