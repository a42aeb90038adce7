import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '@ockham/core/files/node';
import type { ScaleName } from './experiment.ts';
import { scaleNames } from './experiment.ts';
import type { Result } from './result.ts';
import { formatResult, parseResult } from './result.ts';

/** Where a result goes: `<results>/<scale>/<name>.json`, and for an embedded sample `<name>.sample.json`. */
export function resultFile(results: string, scale: ScaleName, name: string, sample: boolean): string {
  return join(results, scale, `${name}${sample ? '.sample' : ''}.json`);
}

/** Writes drawings, then the result that names them; drawings that the experiment no longer makes go. */
export async function writeResult(
  file: string,
  result: Result,
  drawings: ReadonlyMap<string, string>,
): Promise<void> {
  const encoder = new TextEncoder();
  const folder = dirname(file);
  for (const [name, svg] of drawings) await writeFileAtomic(join(folder, name), encoder.encode(svg));
  await writeFileAtomic(file, encoder.encode(formatResult(result)));
  const stem = basename(file, '.json');
  for (const name of await readdir(folder)) {
    const figure = name.startsWith(`${stem}.`) && name.endsWith('.svg') && name.slice(stem.length + 1, -4);
    if (figure && !figure.includes('.') && figure !== 'sample' && !drawings.has(name))
      await rm(join(folder, name));
  }
}

/** A result and the file that holds it. */
export interface StoredResult {
  readonly file: string;
  readonly result: Result;
}

/** All results of a package, largest scale first and full data before samples, then by name. */
export async function readResults(results: string): Promise<StoredResult[]> {
  const stored: StoredResult[] = [];
  for (const scale of [...scaleNames].reverse()) {
    const folder = join(results, scale);
    const names = (await readdir(folder).catch(() => [])).filter(
      (name) => name.endsWith('.json') && !name.startsWith('.'),
    );
    for (const name of names.sort()) {
      const file = join(folder, name);
      stored.push({ file, result: parseResult(await readFile(file, 'utf8'), file) });
    }
  }
  return stored;
}
