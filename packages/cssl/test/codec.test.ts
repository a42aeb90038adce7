import { image, tensor3d, tidy } from '@tensorflow/tfjs';
import fc from 'fast-check';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { toCodec, type Codec, type CodecSpec } from '@ockham/cssl';
import { jpegFile, jpegHeader } from '../src/replay/jpeg-file.ts';
import { areaTaps } from '../src/replay/resample.ts';

type Shape = readonly [number, number, number];

/** A smooth coloured image with some noise, the kind that JPEG is made for. */
function photo([height, width, channels]: Shape, seed: number): Uint8Array {
  const random = new Random(seed);
  const [a, b] = [random.uniform(3, 9), random.uniform(3, 9)];
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [y, x, c] = [Math.floor(i / (width * channels)), Math.floor(i / channels) % width, i % channels];
    return 128 + 60 * Math.sin((x * (c + 1)) / a + seed) + 50 * Math.cos((y + x) / b) + random.uniform(-9, 9);
  });
}

function decoded(codec: Codec, record: Uint8Array, shape: Shape): Float32Array {
  const into = new Float32Array(shape[0] * shape[1] * shape[2]);
  codec.decode(record, shape, into, 0);
  return into;
}

function meanSquaredError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}

const shapes = fc.tuple(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 20 }),
  fc.constantFrom(1, 3),
);

describe('quantise', () => {
  it('decodes to the centre of the level, at most half a level away, from records without gaps', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 8 }), fc.nat(), (shape, bits, seed) => {
        const random = new Random(seed);
        const count = shape[0] * shape[1] * shape[2];
        const pixels = Uint8Array.from({ length: count }, () => random.integer(256));
        const codec = toCodec(`quantise(${bits})`);
        const record = codec.encode(pixels, shape);
        expect(record.length).toBe(Math.ceil((count * bits) / 8));
        expect(record.length).toBe(codec.recordBytes(shape));
        const level = 256 / 2 ** bits;
        decoded(codec, record, shape).forEach((value, i) => {
          expect(Math.abs(value - pixels[i]!)).toBeLessThanOrEqual(level / 2);
          expect(value).toBe(Math.floor(pixels[i]! / level) * level + (level - 1) / 2);
        });
      }),
      { seed: 1 },
    );
  });

  it('packs from the high bit down', () => {
    expect([...toCodec('quantise(4)').encode(Uint8Array.of(0xab, 0xcd, 0xef), [1, 3, 1])]).toEqual([
      0xac, 0xe0,
    ]);
    expect([...toCodec('quantise(3)').encode(Uint8Array.of(255, 0, 64), [1, 3, 1])]).toEqual([0b11100001, 0]);
  });
});

describe('resize', () => {
  it('keeps the mean of the area that each pixel covers, cut pixels in proportion', () => {
    const codec = toCodec('resize(1x2)');
    // 3 columns onto 2: each kept pixel covers one and a half
    expect([...codec.encode(Uint8Array.of(10, 40, 100), [1, 3, 1])]).toEqual([20, 80]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (a, b) => {
        const [from, to] = [Math.max(a, b), Math.min(a, b)];
        const { first, starts, weights } = areaTaps(from, to);
        const column = new Float64Array(from);
        for (let i = 0; i < to; i++) {
          let row = 0;
          for (let k = starts[i]!; k < starts[i + 1]!; k++) {
            row += weights[k]!;
            column[first[i]! + k - starts[i]!]! += weights[k]!;
          }
          expect(row).toBeCloseTo(1, 9);
        }
        for (const share of column) expect(share).toBeCloseTo(to / from, 9);
      }),
      { seed: 2 },
    );
  });

  it.each([
    ['resize(16x16)', [32, 32, 3]],
    ['resize(5x9)', [28, 28, 1]],
    ['resize(1x1)', [4, 7, 3]],
  ] as const)('%s interpolates as TensorFlow.js does between pixel centres', (name, shape) => {
    const codec = toCodec(name);
    const record = codec.encode(photo(shape, 1), shape);
    const [, height, width] = /(\d+)x(\d+)/.exec(name)!.map(Number);
    const expected = tidy(() =>
      image
        .resizeBilinear(tensor3d(record, [height!, width!, shape[2]]), [shape[0], shape[1]], false, true)
        .dataSync(),
    );
    const ours = decoded(codec, record, shape);
    expected.forEach((value, i) => expect(Math.abs(value - ours[i]!)).toBeLessThan(1e-3));
  });

  it('refuses a size that is larger than the image', () => {
    expect(() => toCodec('resize(16x40)').encode(photo([32, 32, 1], 1), [32, 32, 1])).toThrow(/larger than/);
  });
});

describe('jpeg', () => {
  it('writes files that the library reads, as close to the image and as short as the library’s own', () => {
    for (const quality of [10, 50, 75, 95]) {
      const shape = [40, 56, 3] as const;
      const pixels = photo(shape, quality);
      const rgba = new Uint8Array(40 * 56 * 4);
      for (let p = 0; p < 40 * 56; p++) rgba.set(pixels.subarray(3 * p, 3 * p + 3), 4 * p);
      const theirs = jpeg.encode({ data: rgba, width: 56, height: 40 }, quality).data;
      const codec = toCodec(`jpeg(${quality})`);
      const record = codec.encode(pixels, shape).slice();
      const ours = jpegFile(jpegHeader(shape, quality, 1), [record]);
      const read = (file: Uint8Array) => jpeg.decode(file, { useTArray: true, formatAsRGBA: false }).data;
      expect([...decoded(codec, record, shape)]).toEqual([...read(ours)]);
      const [error, theirError] = [
        meanSquaredError(read(ours), pixels),
        meanSquaredError(read(theirs), pixels),
      ];
      expect(Math.abs(error / theirError - 1)).toBeLessThan(0.02);
      const header = 20 + 134 + 19 + 420 + 14; // theirs has a JFIF segment, and SOI
      expect(Math.abs(record.length / (theirs.length - header - 2) - 1)).toBeLessThan(0.02);
      expect(codec.sharedBytes(shape)).toBe(header - 18);
    }
  });

  it('decodes many records in one go to the very pixels that each gives alone', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 12 }),
        (shape, quality, count) => {
          const codec = toCodec(`jpeg(${quality})`);
          const length = shape[0] * shape[1] * shape[2];
          const random = new Random(quality);
          const records = Array.from({ length: count }, (_, i) => {
            // noise too: it needs the longest codes, and bytes 0xff
            const noise = Uint8Array.from({ length }, () => random.integer(2) * 255);
            return codec.encode(i % 2 ? photo(shape, i) : noise, shape).slice();
          });
          const together = new Float32Array(length * count);
          codec.decodeAll!(records, shape, together, 0);
          records.forEach((record, i) => {
            expect(decoded(codec, record, shape)).toEqual(together.slice(i * length, (i + 1) * length));
          });
        },
      ),
      { seed: 3, numRuns: 40 },
    );
  });

  it('splits what is more than a file can hold', () => {
    const shape = [16, 8, 1] as const;
    const codec = toCodec('jpeg');
    const count = 4100; // of at most 65,535 rows
    const records = Array.from({ length: count }, (_, i) =>
      codec.encode(new Uint8Array(128).fill(i % 256), shape).slice(),
    );
    const into = new Float32Array(128 * count);
    codec.decodeAll!(records, shape, into, 0);
    expect(records.every((_, i) => Math.abs(into[i * 128]! - (i % 256)) <= 4)).toBe(true);
  });

  it('at quality 100 changes no grey level by more than 2', () => {
    const shape = [28, 28, 1] as const;
    const codec = toCodec('jpeg(100)');
    const pixels = photo(shape, 4);
    decoded(codec, codec.encode(pixels, shape), shape).forEach((value, i) => {
      expect(Math.abs(value - pixels[i]!)).toBeLessThanOrEqual(2);
    });
  });

  it('stores a grey image as one component, without header: a black one of 28 × 28 in a few bytes', () => {
    const codec = toCodec('jpeg(50)');
    expect(codec.encode(new Uint8Array(784), [28, 28, 1]).length).toBeLessThan(16);
    expect(codec.sharedBytes([28, 28, 1])).toBeLessThan(codec.sharedBytes([28, 28, 3]));
  });
});

describe('toCodec', () => {
  const every: CodecSpec[] = ['none', 'quantise(3)', 'resize(9x7)', 'jpeg(60)'];

  it.each([
    ...every.map((spec) => [spec]),
    ['resize(9x7)', 'quantise(5)'],
    ['resize(9x7)', 'jpeg(80)'],
    ['resize(12x12)', 'resize(6x6)', 'none'],
  ] as CodecSpec[][])(
    '%s %s: the same bytes each time, whole numbers into bytes, as many as it says',
    (...specs) => {
      const shape = [18, 14, 3] as const;
      const codec = toCodec(specs);
      const pixels = photo(shape, 3);
      const before = pixels.slice();
      const record = codec.encode(pixels, shape).slice();
      expect(pixels).toEqual(before);
      expect(toCodec(codec.name as CodecSpec).encode(pixels, shape)).toEqual(record);
      expect(codec.recordBytes(shape) ?? record.length).toBe(record.length);
      const [bytes, floats] = [new Uint8Array(pixels.length + 2), decoded(codec, record, shape)];
      codec.decode(record, shape, bytes, 1);
      expect([bytes[0], bytes.at(-1)]).toEqual([0, 0]);
      floats.forEach((value, i) => expect(Math.abs(bytes[i + 1]! - value)).toBeLessThanOrEqual(0.5 + 1e-4));
      if (!codec.decodeAll) return;
      const twice = new Float32Array(2 * pixels.length);
      codec.decodeAll([record, record], shape, twice, 0);
      expect([...twice]).toEqual([...floats, ...floats]);
    },
  );

  it.each([
    ['png', /codec: must be none/],
    ['quantise(9)', /bits must be an integer in \[1, 8\], got 9/],
    ['quantise(2.5)', /bits must be an integer/],
    ['jpeg(0)', /quality must be an integer in \[1, 100\], got 0/],
    ['resize(16)', /codec: must be none/],
    ['resize(0x4)', /integers ≥ 1/],
    [['jpeg', 'quantise(4)'], /only resize can come before/],
    [[], /codec: must be none/],
  ])('refuses %s', (spec, message) => {
    expect(() => toCodec(spec as CodecSpec)).toThrow(message);
  });
});
