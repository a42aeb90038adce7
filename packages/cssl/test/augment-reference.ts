import { readFile } from 'node:fs/promises';
import { readNpz } from '@ockham/core/files';
import type { ImageShape } from '../src/image.ts';

export interface Picture {
  readonly shape: ImageShape;
  readonly pixels: Uint8Array;
}

/** What `fixtures/augment.py` wrote: pictures by name, and other arrays. */
export const arrays: Awaited<ReturnType<typeof readNpz>> = await readNpz(
  await readFile(new URL('fixtures/augment.npz', import.meta.url)),
);

export const pictures: ReadonlyMap<string, Picture> = unpack();

function unpack(): Map<string, Picture> {
  const bytes = arrays.get('bytes')!.values as Uint8Array;
  const index = new TextDecoder().decode(arrays.get('index')!.values);
  let start = 0;
  return new Map(
    index.split('\n').map((line) => {
      const [name, ...sides] = line.split('|');
      const shape = sides.map(Number) as unknown as ImageShape;
      const end = start + shape[0] * shape[1] * shape[2];
      const pixels = bytes.subarray(start, end);
      start = end;
      return [name!, { shape, pixels }];
    }),
  );
}

/** A picture whose name begins with a kind: the rest of the name, and what the reference made of it. */
export interface Case {
  readonly title: string;
  readonly parts: readonly string[];
  readonly numbers: readonly number[];
  readonly expected: Uint8Array;
}

export function cases(kind: string): Case[] {
  return [...pictures]
    .filter(([name]) => name.startsWith(`${kind}/`))
    .map(([name, { pixels }]) => {
      const parts = name.split('/').slice(1);
      return { title: parts.join(' '), parts, numbers: parts.map(Number), expected: pixels };
    });
}

/** The greatest difference in grey levels. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
