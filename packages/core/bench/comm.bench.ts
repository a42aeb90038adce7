/**
 * allReduce of float32 sums on two ranks: threads and MPI through FFI beside Open MPI called from C, in turns. From packages/core:
 *
 *     OCKHAM_ENGINE=wasm node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only comm
 *
 * Both cores have to be idle. Without mpicc and mpirun only threads are measured.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, launchMpi } from '@ockham/core/comm/node';
import type { Speeds } from '../test/fixtures/comm/speed.script.ts';

const script = new URL('../test/fixtures/comm/speed.script.ts', import.meta.url);
const REPEATS = 8;
const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

export default {
  id: 'core/comm',
  ownEngines: true,
  question:
    'How long does an allReduce on two ranks take beside Open MPI called from C (ratios of best medians)?',
  rounds: 3,
  warmup: 0,
  against: { 'threads, start to end': 'a thread, start to end' },
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'ockham-bench-'));
    const program = join(folder, 'peer');
    const source = fileURLToPath(new URL('./comm_peer.c', import.meta.url));
    const hasC = spawnSync('mpicc', ['-O2', source, '-o', program]).status === 0;
    const best: Record<string, number> = {};
    const note = (name: string, times: Record<string, number>): void => {
      for (const [bytes, seconds] of Object.entries(times))
        best[`${name} ${bytes}`] = Math.min(best[`${name} ${bytes}`] ?? Infinity, seconds);
    };
    for (let k = 0; k < REPEATS; k++) {
      const threads = (await launch<Speeds>(2, script))[0]!;
      note('zero-copy threads', threads.own!);
      note('threads', threads.other!);
      if (!hasC) continue;
      const flags = ['-n', '2', '--oversubscribe', '--bind-to', 'none'];
      const { stdout } = spawnSync('mpirun', [...flags, program], { env, encoding: 'utf8' });
      note('C', JSON.parse(stdout) as Record<string, number>);
      note('MPI through FFI', (await launchMpi<Speeds>(2, script))[0]!.other!);
    }
    rmSync(folder, { recursive: true });
    const figures = Object.fromEntries(
      Object.entries(best).flatMap(([name, seconds]) => {
        const bytes = name.slice(name.lastIndexOf(' ') + 1);
        const peer = best[`C ${bytes}`];
        const microseconds = [`${name} bytes, µs`, 1e6 * seconds] as const;
        return peer === undefined || name.startsWith('C ') ? [microseconds] : [microseconds, [`${name} bytes, times of C`, seconds / peer]]; // prettier-ignore
      }),
    );
    const run = (n: number) => async (): Promise<void> => void (await launch(n, script));
    return {
      variants: { 'a thread, start to end': run(1), 'threads, start to end': run(2) },
      figures,
      ...(!hasC && {
        skipped: { 'C, MPI through FFI': 'needs mpicc and mpirun (openmpi-bin, libopenmpi-dev)' },
      }),
    };
  },
};
