import '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import {
  decodeReplay,
  encodeReplay,
  ReplayBuffer,
  type CodecSpec,
  type EvictPolicy,
  type SamplePolicy,
} from '@ockham/cssl';
import { variableCodec } from './fixtures/variable-codec.ts';

const SHAPE = [8, 8, 1] as const;

function filled(
  evict: EvictPolicy,
  sample: SamplePolicy,
  codec: CodecSpec | readonly CodecSpec[],
  steps: number,
): ReplayBuffer {
  const herding = evict === 'herding' ? { features: 2 } : {};
  const buffer = new ReplayBuffer({
    shape: SHAPE,
    capacity: 15,
    bytes: 2500,
    evict,
    sample,
    codec,
    seed: 4,
    ...herding,
  });
  goOn(buffer, 0, steps);
  return buffer;
}

/** Stores, samples and gives feedback, and returns all that can be seen. */
function goOn(buffer: ReplayBuffer, from: number, to: number): unknown[] {
  const seen: unknown[] = [];
  for (let step = from; step < to; step++) {
    const random = new Random(step);
    const pixels = Uint8Array.from({ length: 64 }, (_, i) => 4 * i * random.uniform());
    const kept = buffer.store(pixels, random.integer(4), Float32Array.of(random.uniform(), random.uniform()));
    const slots = buffer.sample(5);
    buffer.feedback(
      slots,
      Float32Array.from(slots, () => random.uniform()),
    );
    const images = new Float32Array(64 * slots.length);
    buffer.read(slots, images);
    seen.push([kept, slots, images, buffer.bytes, [...buffer.classes], buffer.offered, buffer.distortion()]);
  }
  return seen;
}

describe('a saved buffer', () => {
  it.each(
    (['largest-class', 'reservoir', 'fifo', 'herding'] as const).flatMap((evict) =>
      (['uniform', 'class-balanced', 'reservoir', 'loss-weighted'] as const).map(
        (sample) => [evict, sample] as const,
      ),
    ),
  )('with %s and %s goes on as the one that was not saved, to the bit', (evict, sample) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom<readonly CodecSpec[]>(['none'], ['jpeg(40)'], ['resize(4x4)', 'quantise(5)']),
        (steps, codec) => {
          const buffer = filled(evict, sample, codec, steps);
          const { buffer: loaded, lost } = ReplayBuffer.load(decodeReplay(encodeReplay(buffer.save())));
          expect(lost).toEqual([]);
          expect(encodeReplay(loaded.save())).toEqual(encodeReplay(buffer.save()));
          expect(goOn(loaded, steps, steps + 30)).toEqual(goOn(buffer, steps, steps + 30));
        },
      ),
      { seed: 6, numRuns: 3 },
    );
  });

  it.each(['none', 'jpeg(40)'] as const)(
    'loads without the %s records that were damaged, and names them',
    (codec) => {
      const buffer = filled('fifo', 'loss-weighted', codec, 40);
      const bytes = encodeReplay(buffer.save());
      const { records } = buffer.save();
      const ends = Array.from({ length: buffer.size }, (_, slot) => buffer.recordAt(slot).length);
      ends.forEach((length, slot) => (ends[slot] = length + (ends[slot - 1] ?? 0)));
      bytes[bytes.length - records.length]! ^= 4; // in the first
      bytes[bytes.length - records.length + ends[4]! - 1]! ^= 128; // the last of the fifth
      const { buffer: loaded, lost } = ReplayBuffer.load(decodeReplay(bytes));
      expect(lost).toEqual([0, 4].map((slot) => ({ slot, label: buffer.labelAt(slot) })));
      expect(loaded.size).toBe(buffer.size - 2);
      const text = (from: ReplayBuffer, skip: number[]) =>
        Array.from({ length: from.size }, (_, slot) => slot)
          .filter((slot) => !skip.includes(slot))
          .map((slot) => `${from.labelAt(slot)}: ${from.recordAt(slot).join()}`)
          .sort();
      expect(text(loaded, [])).toEqual(text(buffer, [0, 4]));
      expect(goOn(loaded, 40, 80).length).toBe(40);
    },
  );

  it('that was cut off loses the records at its end; one without any keeps working', () => {
    const buffer = filled('largest-class', 'uniform', 'none', 20);
    const bytes = encodeReplay(buffer.save());
    const cut = ReplayBuffer.load(decodeReplay(bytes.subarray(0, bytes.length - 100)));
    expect(cut.lost.map(({ slot }) => slot)).toEqual([buffer.size - 2, buffer.size - 1]);
    const none = ReplayBuffer.load({ ...buffer.save(), records: new Uint8Array(0) });
    expect(none.lost.length).toBe(buffer.size);
    expect([none.buffer.size, none.buffer.bytes, none.buffer.classes.size]).toEqual([0, 0, 0]);
    expect(goOn(none.buffer, 0, 20).length).toBe(20);
  });

  it('whose index was damaged, or that is something else, is refused by name', () => {
    const saved = filled('largest-class', 'uniform', 'none', 20).save();
    const bytes = encodeReplay(saved);
    for (let at = 0; at < bytes.length - saved.records.length; at += 37) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      expect(() => decodeReplay(damaged), `byte ${at}`).toThrow(
        expect.objectContaining({ name: 'DataError' }),
      );
    }
    expect(() => decodeReplay(new Uint8Array(3))).toThrow(/cut off or altered/);
    expect(() => ReplayBuffer.load({ ...saved, meta: { kind: 'training' } })).toThrow(/saved replay buffer/);
  });
});

describe('bad input', () => {
  const options = { shape: SHAPE, capacity: 4, seed: 1 } as const;
  const make = (more: object) => () => new ReplayBuffer({ ...options, ...more });

  it.each([
    [{ shape: [8, 8, 2] }, /shape must be/],
    [{ shape: [0, 8, 1] }, /shape must be/],
    [{ capacity: undefined }, /capacity \(examples\) or bytes must be given/],
    [{ capacity: 0 }, /capacity must be an integer ≥ 1, got 0/],
    [{ bytes: 1.5 }, /bytes must be an integer ≥ 1/],
    [{ classes: 5 }, /room for one image of each class, 5 of/],
    [{ bytes: 135 }, /room for one image of each class, 1 of 80 bytes/],
    [{ evict: 'oldest' }, /evict must be one of/],
    [{ sample: 'all' }, /sample must be one of/],
    [{ evict: 'herding' }, /features must be the length/],
    [{ features: 3 }, /features must be the length/],
    [{ codec: 'resize(9x9)' }, /must not be larger than the images/],
  ])('refuses %j', (more, message) => {
    expect(make(more)).toThrow(message);
  });

  it('a budget with room for exactly one image takes it', () => {
    const buffer = new ReplayBuffer({ shape: SHAPE, bytes: 136, seed: 1 });
    expect(buffer.store(new Uint8Array(64), 0)).toBe(true);
    expect(buffer.bytes).toBe(136);
  });

  it.each([
    [new Uint8Array(63), 0, /pixels must be the 64 bytes.*got 63/],
    [new Float32Array(64), 0, /pixels must be the 64 bytes.*got object/],
    [new Uint8Array(64), 0.5, /integer in \[0, 2147483647\], got 0.5/],
    [new Uint8Array(64), -1, /got -1/],
    [new Uint8Array(64), '3', /got 3/],
  ])('refuses the example %#', (pixels, label, message) => {
    const buffer = new ReplayBuffer(options);
    expect(() => buffer.store(pixels as Uint8Array, label as number)).toThrow(message);
    expect([buffer.size, buffer.offered]).toEqual([0, 0]);
  });

  it('refuses one class more than there is room for, and goes on', () => {
    const buffer = new ReplayBuffer(options);
    for (let label = 0; label < 4; label++) buffer.store(new Uint8Array(64), label);
    expect(() => buffer.store(new Uint8Array(64), 9)).toThrow(/9 would be class number 5; got capacity: 4/);
    expect(() => buffer.store(new Uint8Array(64), 2)).not.toThrow();
    expect(buffer.classes.size).toBe(4);
    const fifo = new ReplayBuffer({ ...options, evict: 'fifo' });
    for (let label = 0; label < 9; label++) fifo.store(new Uint8Array(64), label);
    expect([...fifo.classes.keys()].sort()).toEqual([5, 6, 7, 8]);
  });

  it('says before whether there is room for examples, alone or together, and keeps its word', () => {
    const pixels = new Uint8Array(64);
    const example = (label: number) => ({ pixels, label });
    const buffer = new ReplayBuffer(options);
    for (const label of [0, 0, 1]) buffer.store(pixels, label);
    expect(buffer.canStore([2, 3].map(example))).toBe(true);
    expect(buffer.canStore([2, 3, 4].map(example))).toBe(false);
    expect(buffer.canStore([0, 0, 0, 1, 1].map(example))).toBe(true);
    expect(buffer.canStore([])).toBe(true);
    expect(new ReplayBuffer({ ...options, evict: 'fifo' }).canStore([2, 3, 4, 5, 6].map(example))).toBe(true);
    expect(() => buffer.canStore([example(0.5)])).toThrow(/ReplayBuffer.canStore: a label must be/);
    expect([buffer.size, buffer.offered]).toEqual([3, 3]);
  });

  it('a class is never lost to a record too long for its place, whatever the lengths', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 230, max: 900 }),
        fc.array(fc.record({ label: fc.nat(4), seed: fc.nat(30), spread: fc.constantFrom(1, 40, 255) }), {
          maxLength: 60,
        }),
        (bytes, offers) => {
          const buffer = new ReplayBuffer({ shape: SHAPE, bytes, codec: variableCodec, seed: 1 });
          for (const { label, seed, spread } of offers) {
            const random = new Random(seed);
            const pixels = Uint8Array.from({ length: 64 }, () => random.integer(spread));
            const before = buffer.save();
            const known = [...buffer.classes.keys()];
            if (buffer.canStore([{ pixels, label }])) buffer.store(pixels, label);
            else {
              expect(() => buffer.store(pixels, label)).toThrow(/must fit alone|room for one image of each/);
              expect(buffer.save()).toEqual(before);
            }
            for (const one of known) expect(buffer.classes.has(one)).toBe(true);
            expect(buffer.bytes).toBeLessThanOrEqual(bytes);
          }
        },
      ),
      { seed: 6, numRuns: 150 },
    );
  });

  it('refuses slots, losses and arrays that do not belong together', () => {
    const buffer = new ReplayBuffer({ ...options, sample: 'loss-weighted' });
    buffer.store(new Uint8Array(64), 0);
    expect(() => buffer.labelAt(1)).toThrow(/slot must be an integer in \[0, 1\), got 1/);
    expect(() => buffer.read(Int32Array.of(0), new Float32Array(63))).toThrow(/must fit/);
    expect(() => buffer.read(Int32Array.of(-1), new Float32Array(64))).toThrow(/got -1/);
    expect(() => buffer.feedback(Int32Array.of(0), Float32Array.of(NaN))).toThrow(/finite/);
    expect(() => buffer.feedback(Int32Array.of(0), new Float32Array(2))).toThrow(
      /one for each of the 1 slots/,
    );
    expect(() => buffer.sample(1.5)).toThrow(/count must be an integer/);
    expect(() => new ReplayBuffer({ ...options, measure: false }).distortion()).toThrow(/measure: false/);
    const herding = new ReplayBuffer({ ...options, evict: 'herding', features: 2 });
    expect(() => herding.store(new Uint8Array(64), 0)).toThrow(/needs 2 finite features/);
  });
});
