import type { ImageShape } from '../image.ts';
import { pixelsOf, type ImageCodec } from './codec.ts';

/** Keeps the pixels as they are, a byte each. */
export const rawCodec: ImageCodec = {
  name: 'none',
  recordBytes: pixelsOf,
  sharedBytes: () => 0,
  encodedShape: (shape: ImageShape) => shape,
  encode: (pixels) => pixels,
  decode: (record, _shape, into, offset) => into.set(record, offset),
};
