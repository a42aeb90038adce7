import type { io } from '@tensorflow/tfjs-core';
import { DataError } from '../errors.ts';

const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
  complex64: 8,
};

/**
 * Bytes that a weight of a manifest takes in its file.
 *
 * @throws DataError `corrupt-file` for a shape or a type that no file can have.
 */
export function specBytes(spec: io.WeightsManifestEntry, who: string): number {
  const { name, shape, dtype, quantization } = spec as Partial<io.WeightsManifestEntry>;
  const sizes: unknown = shape;
  const type = quantization?.dtype ?? dtype;
  const each = type !== undefined && Object.hasOwn(BYTES, type) ? BYTES[type]! : undefined;
  const wellFormed =
    typeof name === 'string' &&
    Array.isArray(sizes) &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0);
  const values = wellFormed ? (sizes as number[]).reduce((product, size) => product * size, 1) : NaN;
  if (each !== undefined && Number.isSafeInteger(values * each)) return values * each;
  throw new DataError(
    'corrupt-file',
    `${who}: the weight ${String(name)} must have a numeric type and a shape of whole numbers, got ${String(type)} and ${JSON.stringify(sizes)}. Save the model again.`,
  );
}
