import { ArgumentError, valuesPerExample, type Split } from '@ockham/core';
import type { Example, ImageShape } from '../image.ts';

/**
 * The pixels of an image as bytes; numbers in [0, 1] are rounded to one of 256 levels, as the buffer keeps them. Bytes are
 * given back as they are.
 *
 * @throws ArgumentError naming `who` for another number of values, or one out of range.
 */
export function toBytes(who: string, x: Uint8Array | Float32Array, shape: ImageShape): Uint8Array {
  const size = shape[0] * shape[1] * shape[2];
  const given = x as unknown;
  if (!(given instanceof Uint8Array || given instanceof Float32Array)) {
    throw new ArgumentError(
      `${who}: an image must be a Uint8Array of bytes or a Float32Array of numbers in [0, 1], got ${given === null ? 'null' : typeof given === 'object' ? given.constructor.name : typeof given}.`,
    );
  }
  if (x.length !== size) {
    throw new ArgumentError(
      `${who}: an image must have ${shape.join(' × ')} = ${size} values, got ${x.length}. Crop or resize it first, or set imageShape.`,
    );
  }
  if (x instanceof Uint8Array) return x;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const value = x[i]!;
    if (!(value >= 0 && value <= 1)) {
      throw new ArgumentError(
        `${who}: pixels given as a Float32Array must be in [0, 1], got ${value} at ${i}. Divide by 255, or pass bytes as a Uint8Array.`,
      );
    }
    bytes[i] = Math.round(value * 255);
  }
  return bytes;
}

/** @throws ArgumentError naming `who` where a label is not an integer in [0, 2³¹). */
export function checkLabel(who: string, label: unknown): number {
  if (Number.isInteger(label) && (label as number) >= 0 && (label as number) < 2 ** 31)
    return label as number;
  throw new ArgumentError(
    `${who}: a label must be an integer in [0, 2³¹), the number of its class, got ${String(label)}.`,
  );
}

/** An example that passed the checks. */
export interface CheckedExample {
  readonly pixels: Uint8Array;
  readonly label: number;
}

/** @throws ArgumentError naming `who` and what is wrong with an example. */
export function checkExamples(
  who: string,
  examples: Example | readonly Example[],
  shape: ImageShape,
): CheckedExample[] {
  const list: readonly unknown[] = Array.isArray(examples) ? examples : [examples];
  if (list.length === 0) throw new ArgumentError(`${who}: needs at least one example, got none.`);
  return list.map((given, i) => {
    const name = list.length === 1 ? who : `${who} (example ${i})`;
    if (typeof given !== 'object' || given === null) {
      throw new ArgumentError(
        `${name}: an example must be { x, y }, pixels and the number of their class; got ${String(given)}.`,
      );
    }
    const example = given as Example;
    return { pixels: toBytes(name, example.x, shape), label: checkLabel(name, example.y) };
  });
}

/**
 * Reads images of a split, as bytes.
 *
 * @throws ArgumentError naming `who` where its images are of another size or range.
 */
export function imagesOf(who: string, split: Split, shape: ImageShape): (index: number) => Uint8Array {
  const { values, scale = 1 } = split.x;
  const size = valuesPerExample(split.x);
  return (index) => {
    const image = values.subarray(index * size, (index + 1) * size);
    if (image instanceof Uint8Array) return toBytes(who, image, shape);
    return toBytes(
      who,
      Float32Array.from(image, (value) => value * scale),
      shape,
    );
  };
}
