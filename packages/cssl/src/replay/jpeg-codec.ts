import { ArgumentError } from '@ockham/core';
import { decode } from './jpeg-decoder.ts';
import type { ImageShape } from '../image.ts';
import { pixelsOf, type Codec } from './codec.ts';
import { BlockWriter } from './jpeg-blocks.ts';
import { jpegFile, jpegHeader, paddedHeight } from './jpeg-file.ts';

const MOST_ROWS = 65_535; // of a file
const MOST_PIXELS = 2 ** 21; // of a file: what the decoder takes for itself stays small

/**
 * Baseline JPEG (section 2.4.2), one component for grey images, chroma at full resolution. Header and tables, several
 * times a small image, are the same for all images and kept once: a record is the coded blocks alone. Many records are
 * decoded as one file, by the package `jpeg-js`.
 *
 * @param quality An integer in [1, 100], as the Independent JPEG Group counts.
 * @throws ArgumentError for another quality
 */
export function jpegCodec(quality: number): Codec {
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new ArgumentError(
      `jpeg: quality must be an integer in [1, 100], got ${quality}. Use 'jpeg(70)' for about an eighth of the bytes.`,
    );
  }
  const writer = new BlockWriter(quality);
  let header: Uint8Array = new Uint8Array(0);
  let headerOf = '';
  const headerFor = (shape: ImageShape, images: number): Uint8Array => {
    const wanted = [...shape, images].join();
    if (wanted !== headerOf) header = jpegHeader(shape, quality, images);
    headerOf = wanted;
    return header;
  };
  const decodeAll: NonNullable<Codec['decodeAll']> = (records, shape, into, offset) => {
    const [height, width] = shape;
    const rows = Math.min(MOST_ROWS, MOST_PIXELS / width);
    const most = Math.max(1, Math.floor(rows / paddedHeight(height)));
    for (let first = 0; first < records.length; first += most) {
      const some = records.slice(first, first + most);
      const { data } = decode(jpegFile(headerFor(shape, some.length), some), {
        useTArray: true,
        formatAsRGBA: false,
        tolerantDecoding: false,
      });
      some.forEach((_, i) => copyImage(data, i, shape, into, offset + (first + i) * pixelsOf(shape)));
    }
  };
  return {
    name: `jpeg(${quality})`,
    recordBytes: () => undefined,
    sharedBytes: (shape) => headerFor(shape, 1).length,
    encode: (pixels, shape) => writer.encode(pixels, shape),
    decode: (record, shape, into, offset) => decodeAll([record], shape, into, offset),
    decodeAll,
  };
}

/** Copies the `position`-th of the images below each other in `rgb`, `[rows, width, 3]`. */
function copyImage(
  rgb: Uint8Array,
  position: number,
  [height, width, channels]: ImageShape,
  into: Uint8Array | Float32Array,
  offset: number,
): void {
  const from = position * paddedHeight(height) * width * 3;
  const step = channels === 1 ? 3 : 1;
  const length = height * width * channels;
  for (let i = 0; i < length; i++) into[offset + i] = rgb[from + i * step]!;
}
