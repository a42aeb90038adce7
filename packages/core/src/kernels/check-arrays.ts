/** Checks of what kernels are given. */
import { ArgumentError } from '../errors.ts';

/** Throws an ArgumentError unless all sizes are integers ≥ 0. */
export function checkSizes(who: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isSafeInteger(size) && size >= 0) continue;
    throw new ArgumentError(`${who}: ${name} must be an integer ≥ 0, got ${size}.`);
  }
}

/** Throws an ArgumentError unless an array is of this type and length. */
export function checkArray(
  who: string,
  name: string,
  array: unknown,
  type:
    | Int8ArrayConstructor
    | Uint8ArrayConstructor
    | Uint16ArrayConstructor
    | Int32ArrayConstructor
    | Float32ArrayConstructor,
  length: number,
): void {
  if (array instanceof type && array.length === length) return;
  const got = ArrayBuffer.isView(array)
    ? `${array.constructor.name} of ${(array as Int8Array).length}`
    : typeof array;
  throw new ArgumentError(`${who}: ${name} must be a ${type.name} of ${length} numbers, got ${got}.`);
}
