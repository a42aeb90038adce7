import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '@ockham/core/files/node';
import { parseResult } from './result.ts';

/*
 * Turborepo archives and restores fixed folders. Were that `results/**`, a cache hit at one scale would also bring
 * back the other scales as they were then. So a run under turbo leaves a copy of what it made, and nothing else,
 * in `results/.cache/<scale>`: that is archived and restored, and the report puts it in its place.
 */

/** Copies a run's result and drawings to where turbo looks for them. */
export async function cacheResult(results: string, file: string): Promise<void> {
  const { figures } = parseResult(await readFile(file, 'utf8'), file);
  const folder = dirname(file);
  const target = join(results, '.cache', basename(folder));
  await mkdir(target, { recursive: true });
  for (const name of [basename(file), ...figures.flatMap(({ svg }) => svg ?? [])]) {
    await cp(join(folder, name), join(target, name));
  }
}

/** Empties the copy; done when a run begins. */
export async function clearCachedResults(results: string): Promise<void> {
  await rm(join(results, '.cache'), { recursive: true, force: true });
}

/** Puts what turbo has restored in its place, and empties the copy. A skipped run never replaces a real result. */
export async function adoptCachedResults(results: string): Promise<void> {
  const cache = join(results, '.cache');
  for (const scale of await readdir(cache).catch(() => [])) {
    const names = await readdir(join(cache, scale));
    // Drawings first: a result never names a drawing that is not there yet.
    for (const name of names.sort((a, b) => Number(a.endsWith('.json')) - Number(b.endsWith('.json')))) {
      const from = join(cache, scale, name);
      const to = join(results, scale, name);
      const bytes = await readFile(from);
      const former = name.endsWith('.json') ? await readFile(to, 'utf8').catch(() => undefined) : undefined;
      if (former !== undefined) {
        const replaced = parseResult(former, to);
        const cached = parseResult(bytes.toString(), from);
        if (cached.skipped !== undefined && replaced.skipped === undefined) continue;
      }
      await writeFileAtomic(to, bytes);
    }
  }
  await clearCachedResults(results);
}
