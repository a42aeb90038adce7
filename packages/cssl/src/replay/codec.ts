import type { ImageShape } from '../image.ts';

/**
 * Turns an image into the bytes that the buffer keeps, and back (*Compress* of Algorithm 1). Codecs need no training
 * on data, and the same image always gives the same bytes. A decoded image has the shape of the one that was encoded.
 */
export interface Codec {
  /** As it stands in a saved buffer, for example `jpeg(50)`; also its `CodecSpec`, unless the codec is your own. */
  readonly name: string;
  /** Bytes of every record, where all have the same; `undefined` where a record's length depends on the image. */
  recordBytes(shape: ImageShape): number | undefined;
  /** Bytes that are kept once for all records, for example the tables of JPEG. */
  sharedBytes(shape: ImageShape): number;
  /**
   * @param pixels `[height, width, channels]`, bytes 0–255; left unchanged.
   * @returns the record; it may be overwritten by the next call
   */
  encode(pixels: Uint8Array, shape: ImageShape): Uint8Array;
  /** Writes the pixels, 0–255, to `into` from `offset` on; whole numbers into a `Uint8Array`. */
  decode(record: Uint8Array, shape: ImageShape, into: Uint8Array | Float32Array, offset: number): void;
  /** As {@link Codec.decode} of one record after the other, where that is faster in one go. */
  decodeAll?(
    records: readonly Uint8Array[],
    shape: ImageShape,
    into: Uint8Array | Float32Array,
    offset: number,
  ): void;
}

/** What one codec must be able to do to come before another in a chain: images in, smaller images out. */
export interface ImageCodec extends Codec {
  /** The shape of the image that its record is, row-major bytes. */
  encodedShape(shape: ImageShape): ImageShape;
}

/** Number of values of an image. */
export function pixelsOf(shape: ImageShape): number {
  return shape[0] * shape[1] * shape[2];
}
