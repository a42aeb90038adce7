import { DataError, selectExamples, type Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { PER_CLASS } from './digits-layout.ts';

const PIXELS = 28 * 28;
const EACH = PER_CLASS.train + PER_CLASS.test;

/** Real digits, never mixed: the last of each class in the file are only tested on. */
export interface Digits {
  readonly train: Split;
  readonly test: Split;
}

/**
 * Reads the digits of the page: class after class, bytes 0–255 of 28 × 28 pixels.
 *
 * @throws DataError where the server has none, or another number of bytes.
 */
export async function fetchDigits(address: string): Promise<Digits> {
  const answer = await fetch(address);
  if (!answer.ok)
    throw new DataError(
      'dataset-missing',
      `The digits of this page did not load: the server says ${answer.status}. Load the page again.`,
    );
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.length !== 10 * EACH * PIXELS)
    throw new DataError(
      'corrupt-file',
      `The digits of this page are damaged: ${bytes.length} bytes instead of ${10 * EACH * PIXELS}. Load the page again.`,
    );
  const all: Split = {
    size: 10 * EACH,
    x: { values: bytes, shape: [28, 28, 1], scale: 1 / 255 },
    y: { values: Int32Array.from({ length: 10 * EACH }, (_, i) => Math.floor(i / EACH)), shape: [] },
  };
  const rows = (from: number, to: number) =>
    Array.from({ length: 10 }, (_, digit) => digit * EACH).flatMap((start) =>
      Array.from({ length: to - from }, (_, i) => start + from + i),
    );
  return {
    train: selectExamples(all, rows(0, PER_CLASS.train)),
    test: selectExamples(all, rows(PER_CLASS.train, EACH)),
  };
}

/** The examples in an order of their own, which the seed decides. */
export function shuffled(split: Split, seed: number): Split {
  return selectExamples(split, new Random(seed).stream('order').permutation(split.size));
}
