import { spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './toy.ts';

const own = fileURLToPath(new URL('..', import.meta.url));

/** An experiment that trains nothing: two parts per seed, of which the second waits until `pause` is gone. */
const source = `
import { existsSync } from 'node:fs';
import { appendFileSync } from 'node:fs';
import { claim, experiment, lineOverSeeds, meanAtLeast } from '@ockham/reproduce';
import { offset } from '../src/offset.ts';

interface ToyRow { readonly seed: number; readonly x: number; readonly y: number }
const config = { length: 3 };

export default experiment({
  id: 'toy/line',
  paper: 'Figure 1: y against x',
  datasets: [],
  scales: { smoke: { seeds: 2, config }, standard: { seeds: 3, config }, paper: { seeds: 5, config } },
  why: { length: 'short <enough>' },
  differences: ['No network & no data'],
  async run({ seed, config, once, progress, signal }) {
    const rows = await once('rows', () => {
      appendFileSync('worked.log', \`\${seed}\\n\`);
      if (existsSync('killed') && seed === 1) process.kill(process.pid, 'SIGKILL');
      return Array.from({ length: config.length }, (_, x): ToyRow => ({ seed, x, y: x + offset + seed / 100 }));
    });
    for (let i = 0; existsSync('pause') && seed === 1 && !signal.aborted; i++) {
      progress({ stage: 'wait', done: i, total: 1000 });
      if (i === 0) appendFileSync('waiting', '');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return rows;
  },
  claims: [
    claim<ToyRow>('y is at least <1>', {
      paper: '"one" & more', decidedFrom: 'smoke', measure: (rows) => meanAtLeast(rows, (row) => row.y, 1),
    }),
  ],
  plot: (rows) => lineOverSeeds(rows, { title: 'y against x', series: 'seed', x: { field: 'x' }, y: { field: 'y' } }),
});
`;

/** Each seed notes when it begins and ends, and how many threads it was given. */
export const timedSource = (id: string, alone: boolean): string => `
import { appendFileSync } from 'node:fs';
import { barsOverSeeds, claim, experiment, inEveryRow } from '@ockham/reproduce';

interface TimedRow { readonly seed: number; readonly threads: string }
const note = (text: string) => appendFileSync('order.log', \`\${text}\\n\`);

export default experiment({
  id: 'toy/${id}',
  paper: 'Table 1: time',
  datasets: [],
  alone: ${alone},
  scales: { smoke: { seeds: 2, config: {} }, standard: { seeds: 2, config: {} }, paper: { seeds: 2, config: {} } },
  why: {},
  async run({ seed }) {
    note('${id} begins');
    await new Promise((resolve) => setTimeout(resolve, 200));
    note('${id} ends');
    return [{ seed, threads: process.env.OMP_NUM_THREADS ?? 'all' }];
  },
  claims: [claim<TimedRow>('it is measured', { paper: 'measured', measure: (rows) => inEveryRow(rows, () => true) })],
  plot: (rows) => barsOverSeeds(rows.map(({ seed }) => ({ seed, x: 'a', y: 1 })), { title: 'one', series: 'x', x: { field: 'x' }, y: { field: 'y' } }),
});
`;

/** A workspace with one package, `packages/toy`, that has one experiment. Returns the workspace and the package. */
export async function toyWorkspace(): Promise<{ workspace: string; toy: string }> {
  const workspace = await temporaryFolder();
  const toy = join(workspace, 'packages', 'toy');
  const files: Record<string, string> = {
    'pnpm-workspace.yaml': 'packages: [packages/*]\n',
    'package.json': '{ "packageManager": "pnpm@12.21.0" }',
    'packages/toy/package.json':
      '{ "name": "@ockham/toy", "type": "module", "description": "A toy <package>" }',
    'packages/toy/README.md': '# Toy\n\n<!-- results:start -->\n<!-- results:end -->\n\nAfter.\n',
    'packages/toy/src/offset.ts': 'export const offset: number = 0.5;\n',
    'packages/toy/reproduce/line.experiment.ts': source,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(workspace, name)), { recursive: true });
    await writeFile(join(workspace, name), content);
  }
  await mkdir(join(toy, 'node_modules', '@ockham'), { recursive: true });
  await symlink(own, join(toy, 'node_modules', '@ockham', 'reproduce'), 'dir');
  return { workspace, toy };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command line in a folder, on the wasm engine. `ended` resolves when it has. */
export function startCli(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { interrupt(): void; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(own, 'bin', 'ockham-reproduce.js'), ...args], {
    cwd: folder,
    env: {
      ...process.env,
      OCKHAM_ENGINE: 'wasm',
      OCKHAM_SCALE: '',
      OCKHAM_SEED: '',
      OCKHAM_JOBS: '',
      ...env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    interrupt: () => void child.kill('SIGINT'),
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))),
  };
}
