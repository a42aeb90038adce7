import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OckhamError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { memory } from '@tensorflow/tfjs';
import type { Format } from './format.ts';
import { mutate, mutateJson } from './mutate.ts';

/** A format with its originals, and what is read from them. */
export interface Subject {
  readonly format: Format;
  readonly originals: readonly Uint8Array[];
  readonly expected: readonly string[];
}

/** How an altered file ended. */
export type Outcome =
  | { readonly ended: 'refused'; readonly code: string }
  | { readonly ended: 'read'; readonly same: boolean }
  | { readonly ended: 'wrong'; readonly why: string };

/** Reads the originals, which must succeed twice with the same result and leave no tensor behind. */
export async function prepare(format: Format, home: string): Promise<Subject> {
  const originals = await format.originals();
  const expected: string[] = [];
  for (const bytes of originals) {
    const first = JSON.stringify(await readFrom(format, bytes, home));
    const tensors = memory().numTensors;
    const second = JSON.stringify(await readFrom(format, bytes, home));
    if (first !== second) throw new Error(`${format.name}: an original gives ${first}, then ${second}`);
    if (memory().numTensors !== tensors) throw new Error(`${format.name}: reading an original leaks tensors`);
    expected.push(first);
  }
  return { format, originals, expected };
}

/** The altered file number `run` of a format; the same for the same seed. */
export async function alteredFile({ format, originals }: Subject, seed: number, run: number) {
  const random = new Random(seed).stream(format.name).stream(run);
  const which = random.integer(originals.length);
  const original = originals[which]!;
  const inHeader = format.header && random.uniform() < 0.7 ? format.header(original) : undefined;
  const altered = inHeader
    ? inHeader.replace(mutateJson(inHeader.header, random))
    : mutate(original, random, originals[random.integer(originals.length)]!);
  return { which, bytes: format.seal ? await format.seal(altered) : altered };
}

/** Reads an altered file and judges how that ended. */
export async function attempt(subject: Subject, seed: number, run: number, home: string): Promise<Outcome> {
  const { format, originals, expected } = subject;
  const { which, bytes } = await alteredFile(subject, seed, run);
  const tensors = memory().numTensors;
  let outcome: Outcome;
  try {
    const read = JSON.stringify(await readFrom(format, bytes, home));
    const same = read === expected[which];
    const changed = !Buffer.from(bytes).equals(originals[which]!);
    outcome =
      format.whole && changed && !expected.includes(read)
        ? wrong(`reads something else than was written: ${read.slice(0, 300)}`)
        : { ended: 'read', same };
  } catch (error) {
    outcome = judge(error);
  }
  if (outcome.ended === 'wrong') return outcome;
  if (memory().numTensors !== tensors)
    return wrong(`leaks ${memory().numTensors - tensors} tensors, ${outcome.ended}`);
  if ('polluted' in {}) return wrong('changes Object.prototype');
  return outcome;
}

function judge(error: unknown): Outcome {
  if (error instanceof OckhamError) return { ended: 'refused', code: error.code };
  const { code, stack } = (error ?? {}) as { readonly code?: unknown; readonly stack?: string };
  if (code === 'corrupt-file') return { ended: 'refused', code }; // of the reader that imports nothing
  return wrong(`throws ${stack ?? String(error)}`.slice(0, 1500));
}

/** Reads a file from a folder of its own, and sees that nothing there has changed. */
async function readFrom(format: Format, bytes: Uint8Array, home: string): Promise<unknown> {
  const folder = join(home, 'file');
  await rm(join(folder, 'data'), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'altered.ockham');
  await writeFile(path, bytes);
  const copy = new Uint8Array(bytes);
  const ended = await format.read(copy, { path }).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const names = (await readdir(folder)).filter((name) => name !== 'data').join();
  if (names !== 'altered.ockham' || digest(await readFile(path)) !== digest(bytes))
    throw new Error(`${format.name}: the folder of the file has changed: ${names}`);
  if (digest(copy) !== digest(bytes)) throw new Error(`${format.name}: the bytes in memory have changed`);
  if ('error' in ended) throw ended.error;
  return ended.value;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function wrong(why: string): Outcome {
  return { ended: 'wrong', why };
}
