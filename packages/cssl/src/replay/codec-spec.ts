import { ArgumentError } from '@ockham/core';
import type { ImageShape } from '../image.ts';
import { pixelsOf, type Codec, type ImageCodec } from './codec.ts';
import { jpegCodec } from './jpeg-codec.ts';
import { quantiseCodec } from './quantise-codec.ts';
import { rawCodec } from './raw-codec.ts';
import { resizeCodec } from './resize-codec.ts';

/**
 * A codec by name: `none`; `resize(16x16)`, height by width; `quantise(4)`, bits a pixel, by default 4; `jpeg(70)`,
 * quality 1–100, by default 70, with which photographs of 32 × 32 take about an eighth of their bytes.
 */
export type CodecSpec =
  'none' | `resize(${number}x${number})` | 'quantise' | `quantise(${number})` | 'jpeg' | `jpeg(${number})`;

/**
 * The codec of a name, or of a chain: `['resize(16x16)', 'jpeg(50)']` first makes the image smaller. In a chain, all but
 * the last must be resizes. The text that a codec gives as its name works too: `resize(16x16)+jpeg(50)`.
 *
 * @throws ArgumentError for an unknown name, a number out of range, or a chain that cannot be
 */
export function toCodec(spec: Codec | CodecSpec | readonly CodecSpec[]): Codec {
  if (typeof spec === 'object' && 'encode' in spec) return spec;
  const names = typeof spec === 'string' ? spec.split('+') : spec;
  const codecs = names.map((name) => oneCodec(name));
  if (codecs.length === 0) throw unknown('[]');
  return codecs.reduceRight((second, first) => {
    if (!('encodedShape' in first)) {
      throw new ArgumentError(
        `codec: only resize can come before another codec, since ${first.name} gives no image; got ${names.join(', ')}. Put ${first.name} last.`,
      );
    }
    return chain(first as ImageCodec, second);
  });
}

function oneCodec(name: string): Codec {
  const [, kind, text] = /^(\w+)(?:\(([\dx.-]+)\))?$/.exec(name) ?? [];
  const numbers = text?.split('x').map(Number) ?? [];
  if (kind === 'none' && !text) return rawCodec;
  if (kind === 'resize' && numbers.length === 2) return resizeCodec(numbers[0]!, numbers[1]!);
  if (kind === 'quantise' && numbers.length <= 1) return quantiseCodec(numbers[0] ?? 4);
  if (kind === 'jpeg' && numbers.length <= 1) return jpegCodec(numbers[0] ?? 70);
  throw unknown(name);
}

function unknown(name: string): ArgumentError {
  return new ArgumentError(
    `codec: must be none, resize(16x16), quantise(4), jpeg(50), or a list of these, got ${name}. Or pass a Codec of your own.`,
  );
}

function chain(first: ImageCodec, second: Codec): Codec {
  let scratch = new Uint8Array(0);
  return {
    name: `${first.name}+${second.name}`,
    recordBytes: (shape) => second.recordBytes(first.encodedShape(shape)),
    sharedBytes: (shape) => first.sharedBytes(shape) + second.sharedBytes(first.encodedShape(shape)),
    encode: (pixels, shape) => second.encode(first.encode(pixels, shape), first.encodedShape(shape)),
    decode(record, shape, into, offset) {
      const inner = first.encodedShape(shape);
      if (scratch.length < pixelsOf(inner)) scratch = new Uint8Array(pixelsOf(inner));
      second.decode(record, inner, scratch, 0);
      first.decode(scratch, shape, into, offset);
    },
    ...(second.decodeAll && {
      decodeAll(
        records: readonly Uint8Array[],
        shape: ImageShape,
        into: Uint8Array | Float32Array,
        offset: number,
      ) {
        const inner = first.encodedShape(shape);
        const pixels = pixelsOf(inner);
        const images = new Uint8Array(pixels * records.length);
        second.decodeAll!(records, inner, images, 0);
        records.forEach((_, i) => {
          first.decode(images.subarray(i * pixels), shape, into, offset + i * pixelsOf(shape));
        });
      },
    }),
  };
}
