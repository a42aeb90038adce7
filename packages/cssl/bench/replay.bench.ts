import { bench } from '@ockham/bench';
import { Random } from '@ockham/core/random';
import {
  ReplayBuffer,
  toCodec,
  type CodecSpec,
  type EvictPolicy,
  type ReplayBufferOptions,
  type SamplePolicy,
} from '@ockham/cssl';
import jpeg from 'jpeg-js';

const SHAPE = [32, 32, 3] as const;
const PIXELS = 32 * 32 * 3;
const CLASSES = 100;
const BATCH = 31; // replayed beside each new example

/** Smooth and coloured with some noise: what JPEG meets in photographs. */
function photo(seed: number): Uint8Array {
  const random = new Random(seed);
  const [a, b, phase] = [random.uniform(3, 9), random.uniform(3, 9), random.uniform(0, 6)];
  return Uint8Array.from({ length: PIXELS }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 96), Math.floor(i / 3) % 32, i % 3];
    return (
      128 + 50 * Math.sin((x * (c + 1)) / a + phase) + 40 * Math.cos((y + x) / b) + random.uniform(-9, 9)
    );
  });
}

const PHOTOS = Array.from({ length: 64 }, (_, seed) => photo(seed));

function filled(options: Omit<ReplayBufferOptions, 'shape' | 'seed'>, size: number): ReplayBuffer {
  const buffer = new ReplayBuffer({ shape: SHAPE, seed: 1, capacity: size, ...options });
  const random = new Random(2);
  for (let i = 0; i < size; i++) buffer.store(PHOTOS[i % 64]!, random.integer(CLASSES));
  return buffer;
}

const REPEATS = 1000; // so that a millisecond of a round is a microsecond of an operation
const SIZES = [500, 50_000] as const;
const BAR = 'the bar: 10 µs each';

/** Calls once for each of the `REPEATS`. */
const repeated = (operation: (i: number) => void) => (): void => {
  for (let i = 0; i < REPEATS; i++) operation(i);
};

function evicting(size: number, evict: EvictPolicy): () => void {
  const buffer = filled({ evict, measure: false }, size);
  const random = new Random(3);
  return repeated((i) => void buffer.store(PHOTOS[i % 64]!, random.integer(CLASSES)));
}

/** Draws do not touch the records: small ones leave room for several buffers. */
function sampling(size: number, sample: SamplePolicy): () => void {
  const buffer = filled({ sample, measure: false, codec: 'resize(2x2)' }, size);
  return repeated(() => void buffer.sample(1));
}

const EVICT = ['largest-class', 'reservoir', 'fifo'] as const;
const SAMPLE = ['uniform', 'class-balanced', 'reservoir', 'loss-weighted'] as const;

const operations = bench({
  id: 'cssl/replay-operations',
  question: `How many milliseconds do ${REPEATS} evictions, each with the store of a raw image of 32 × 32 × 3, and ${REPEATS} draws take, from ${SIZES.join(' and ')} images of ${CLASSES} classes?`,
  engine: 'cpu',
  rounds: 30,
  against: Object.fromEntries(
    SIZES.flatMap((size) => [
      ...EVICT.map((evict) => `evict and store, ${evict}, ${size}`),
      ...SAMPLE.map((sample) => `draw, ${sample}, ${size}`),
    ]).map((variant) => [variant, { [BAR]: 1 }] as const),
  ),
  prepare({ smoke }) {
    const variants: Record<string, () => void> = {
      [BAR]: () => {
        const end = performance.now() + REPEATS / 100;
        while (performance.now() < end);
      },
    };
    for (const size of SIZES) {
      const stored = smoke ? Math.min(size, 1000) : size;
      for (const evict of EVICT) variants[`evict and store, ${evict}, ${size}`] = evicting(stored, evict);
      for (const sample of SAMPLE) variants[`draw, ${sample}, ${size}`] = sampling(stored, sample);
    }
    return { variants };
  },
});

const CODECS: readonly (CodecSpec | readonly CodecSpec[])[] = [
  'none',
  'quantise(4)',
  'quantise(3)',
  'resize(16x16)',
  'jpeg(70)',
  ['resize(16x16)', 'jpeg(70)'],
];

const decoding = bench({
  id: 'cssl/replay-decode',
  question: `How long does it take to read ${BATCH} records of 32 × 32 × 3?`,
  engine: 'cpu',
  rounds: 50,
  warmup: 20,
  against: { 'jpeg(70)': 'jpeg(70), one by one' },
  prepare() {
    const slots = Int32Array.from({ length: BATCH }, (_, i) => 2 * i);
    const into = new Float32Array(BATCH * PIXELS);
    const buffers = CODECS.map((codec) => filled({ codec }, 64));
    const variants = Object.fromEntries(
      buffers.map((buffer) => [buffer.codec.name, () => buffer.read(slots, into)] as const),
    );
    const jpeg = buffers.find(({ codec }) => codec.name === 'jpeg(70)')!;
    variants['jpeg(70), one by one'] = () =>
      slots.forEach((slot, i) => jpeg.read(Int32Array.of(slot), into, i * PIXELS));
    const figures = Object.fromEntries(
      buffers.map((buffer) => [
        `${buffer.codec.name}, bytes of a record`,
        slots.reduce((sum, slot) => sum + buffer.recordAt(slot).length, 0) / BATCH,
      ]),
    );
    return { variants, figures };
  },
});

const encoding = bench({
  id: 'cssl/replay-encode',
  question:
    'How long does it take to code an image of 32 × 32 × 3, and why are JPEGs not coded by the library?',
  engine: 'cpu',
  rounds: 20,
  against: { 'jpeg(70)': { 'jpeg-js, quality 70': 10 } },
  prepare() {
    const image = PHOTOS[0]!;
    const rgba = new Uint8Array(32 * 32 * 4);
    for (let p = 0; p < 32 * 32; p++) rgba.set(image.subarray(3 * p, 3 * p + 3), 4 * p);
    const variants: Record<string, () => void> = Object.fromEntries(
      CODECS.map((spec) => {
        const codec = toCodec(spec);
        return [codec.name, () => void codec.encode(image, SHAPE)] as const;
      }),
    );
    variants['jpeg-js, quality 70'] = () => void jpeg.encode({ data: rgba, width: 32, height: 32 }, 70);
    return { variants };
  },
});

export default [operations, decoding, encoding];
