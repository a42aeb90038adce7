/** What goes wrong around a save: the process is killed, the disk is full, the folder cannot be written, the clock jumps. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryStore } from '@ockham/core/files';
import { gaussianClusters } from '@ockham/core/datasets';
import { launch } from '@ockham/core/comm/node';
import { mlp } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { saves } from '../src/saves.ts';

const WORKER = fileURLToPath(new URL('../src/save-worker.ts', import.meta.url));
const kinds = Object.keys(saves);

let home = '';
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'ockham-faults-'))));
afterAll(() => rm(home, { recursive: true }));

describe('a save that is killed leaves the former file or the new one', () => {
  const points = ['half', 'written', 'renamed'] as const;
  const cases = [
    ...points.map((point) => ['snapshot', point] as const),
    ...kinds.filter((kind) => kind !== 'snapshot').map((kind, i) => [kind, points[i % 2]!] as const),
    ['adapter in a folder', 'renamed'] as const,
  ];
  it.concurrent.each(cases)(
    '%s, killed at %s',
    async (kind, point) => {
      const folder = join(home, `${kind} ${point}`);
      await mkdir(folder);
      const child = spawn(process.execPath, ['--conditions=@ockham/source', WORKER, kind, folder, point], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      expect(signal ?? `exit ${code}: ${said}`).toBe('SIGKILL');
      if (kind === 'adapter in a folder' && point === 'renamed') {
        // of two files the first is new and the second old: refused, and what the weights hold is enough
        await expect(saves[kind]!.load(folder)).rejects.toMatchObject({ code: 'corrupt-file' });
        await rm(join(folder, 'two', 'adapter_config.json'));
        expect(await saves[kind]!.load(folder)).toBe(1);
      } else expect(await saves[kind]!.load(folder)).toBe(point === 'renamed' ? 2 : 1);
    },
    180_000,
  );
});

/** A disk of so many kilobytes, where root may mount one. */
function mount(folder: string, kilobytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'ockham-faults', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
const disk = await mkdtemp(join(tmpdir(), 'ockham-disk-'));
const canMount = mount(disk, 256);
afterAll(async () => {
  if (canMount) execFileSync('umount', [disk]);
  await rm(disk, { recursive: true, force: true });
});

describe.skipIf(!canMount)(
  'a disk that is full or cannot be written (skipped where no tmpfs can be mounted)',
  () => {
    afterEach(async () => {
      execFileSync('mount', ['-o', 'remount,rw', disk]);
      for (const name of await readdir(disk)) await rm(join(disk, name), { recursive: true });
    });

    it.each(kinds)(
      'keeps the former %s, says storage-failed, and leaves nothing else behind',
      async (kind) => {
        const save = await saves[kind]!.prepare(disk);
        await save(1);
        const names = (await readdir(disk, { recursive: true })).sort();
        await fill(join(disk, 'filler'));
        await expect(save(2)).rejects.toMatchObject({ code: 'storage-failed' });
        await rm(join(disk, 'filler'));
        expect((await readdir(disk, { recursive: true })).sort()).toEqual(names);
        expect(await saves[kind]!.load(disk)).toBe(1);
        execFileSync('mount', ['-o', 'remount,ro', disk]);
        await expect(save(2)).rejects.toMatchObject({ code: 'storage-failed' });
        expect(await saves[kind]!.load(disk)).toBe(1);
      },
    );

    async function fill(path: string): Promise<void> {
      await expect(writeFile(path, new Uint8Array(2 ** 19))).rejects.toMatchObject({ code: 'ENOSPC' });
    }
  },
);

describe('a clock that jumps', () => {
  const real = Date.now;
  let offset = 0;
  const DAY = 86_400_000;
  afterEach(() => vi.restoreAllMocks());
  const jump = () => {
    offset = offset === 0 ? -DAY : offset < 0 ? 366 * DAY : 0;
  };
  const jumping = () => vi.spyOn(Date, 'now').mockImplementation(() => real() + offset);

  it('changes nothing of a training run and its checkpoints', async () => {
    const { train: data } = gaussianClusters({
      classes: 3,
      features: 6,
      examples: 48,
      separation: 3,
      seed: 7,
    });
    const run = async (onStep?: () => void) => {
      const model = mlp({ inputShape: [6], units: [5], classes: 3, seed: 1 });
      await train(model, data, { epochs: 2, seed: 1, batchSize: 12, checkpoint: memoryStore(), ...(onStep && { onStep }) }); // prettier-ignore
      const { arrays } = await saveWeights(model);
      model.dispose();
      return arrays;
    };
    const calm = await run();
    jumping();
    expect(await run(jump)).toEqual(calm);
  });

  it('ends no collective of ranks before its deadline', async () => {
    const script = new URL('./fixtures/jumping-ranks.script.ts', import.meta.url);
    const sums = Array.from({ length: 20 }, (_, i) => 2 * i + 1);
    expect(await launch(2, script)).toEqual([sums, sums]);
  });
});
