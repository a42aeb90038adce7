import type { Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import type { Example } from '@ockham/cssl';

/** A 4 × 4 image of class c: row c mod 4 bright, column c div 4 half bright, the rest noise. */
export function image(label: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => {
    const signal = (Math.floor(i / 4) === label % 4 ? 180 : 0) + (i % 4 === Math.floor(label / 4) ? 60 : 0);
    return Math.min(255, signal + random.integer(60));
  });
}

export const example = (y: number, random: Random): Example => ({ x: image(y, random), y });

/** Class after class. */
export function stream(labels: readonly number[], each: number, seed = 1): Example[] {
  const random = new Random(seed);
  return labels.flatMap((label) => Array.from({ length: each }, () => example(label, random)));
}

export function splitOf(examples: readonly Example[]): Split {
  const values = new Uint8Array(examples.length * 16);
  for (const [i, { x }] of examples.entries()) values.set(x, i * 16);
  return {
    size: examples.length,
    x: { values, shape: [4, 4, 1], scale: 1 / 255 },
    y: { values: Int32Array.from(examples, ({ y }) => y), shape: [] },
  };
}
