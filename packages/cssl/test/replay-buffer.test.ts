import '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import {
  ReplayBuffer,
  type CodecSpec,
  type EvictPolicy,
  type ReplayBufferOptions,
  type SamplePolicy,
} from '@ockham/cssl';
import { variableCodec } from './fixtures/variable-codec.ts';

const SHAPE = [4, 4, 1] as const;
const EVICT: EvictPolicy[] = ['largest-class', 'reservoir', 'fifo', 'herding'];
const SAMPLE: SamplePolicy[] = ['uniform', 'class-balanced', 'reservoir', 'loss-weighted'];

/** An image whose first four bytes number it. */
function numbered(id: number, random = new Random(id)): Uint8Array {
  const pixels = Uint8Array.from({ length: 16 }, () => random.integer(256));
  new DataView(pixels.buffer).setInt32(0, id);
  return pixels;
}

function idsOf(buffer: ReplayBuffer): number[] {
  return Array.from({ length: buffer.size }, (_, slot) =>
    new DataView(buffer.recordAt(slot).slice().buffer).getInt32(0),
  );
}

function countsOf(buffer: ReplayBuffer): Map<number, number> {
  const counts = new Map<number, number>();
  for (let slot = 0; slot < buffer.size; slot++) {
    const label = buffer.labelAt(slot);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

const sorted = (counts: ReadonlyMap<number, number>) => [...counts].sort(([a], [b]) => a - b);

/** Bytes by the rules that the class documents, from what can be seen from outside. */
function countedBytes(
  buffer: ReplayBuffer,
  { evict, sample, features = 0, measure = true }: ReplayBufferOptions,
) {
  const even = buffer.codec.recordBytes(SHAPE) !== undefined;
  let bytes = buffer.codec.sharedBytes(SHAPE) + buffer.classes.size * (56 + 8 * features);
  for (let slot = 0; slot < buffer.size; slot++) {
    const { length } = buffer.recordAt(slot);
    bytes += even ? length : Math.max(1, Math.ceil(length / 32)) * 36 + 8;
    bytes += 12 + (measure ? 4 : 0) + 4 * features;
    bytes += (evict === 'fifo' ? 8 : 0) + (sample === 'loss-weighted' ? 16 : 0);
  }
  return bytes;
}

const configurations = fc.record({
  evict: fc.constantFrom(...EVICT),
  sample: fc.constantFrom(...SAMPLE),
  codec: fc.constantFrom<CodecSpec | 'variable'>('none', 'quantise(3)', 'resize(2x3)', 'variable'),
  limit: fc.constantFrom('count', 'bytes', 'both'),
  large: fc.boolean(),
  measure: fc.boolean(),
  seed: fc.nat(),
});

function bufferOf({
  evict,
  sample,
  codec,
  limit,
  large,
  measure,
  seed,
}: typeof configurations extends fc.Arbitrary<infer T> ? T : never) {
  const options: ReplayBufferOptions = {
    shape: SHAPE,
    ...(limit !== 'bytes' && { capacity: large ? 170 : 12 }),
    ...(limit !== 'count' && { bytes: large ? 12_000 : 1500 }),
    codec: codec === 'variable' ? variableCodec : codec,
    ...(evict === 'herding' && { features: 3 }),
    evict,
    sample,
    measure,
    seed,
  };
  return { options, buffer: new ReplayBuffer(options) };
}

describe('ReplayBuffer', () => {
  it('keeps to its budget and its counts through 10,000 random operations', () => {
    fc.assert(
      fc.property(configurations, (configuration) => {
        const { options } = bufferOf(configuration);
        let { buffer } = bufferOf(configuration);
        const random = new Random(configuration.seed);
        for (let step = 0; step < 250; step++) {
          if (step === 120) {
            const { buffer: loaded, lost } = ReplayBuffer.load(buffer.save(), { codec: buffer.codec });
            expect(lost).toEqual([]);
            buffer = loaded;
          }
          const label = random.integer(6) ** 2; // 0 to 25, with gaps
          const features = Float32Array.from({ length: 3 }, () => random.uniform());
          buffer.store(numbered(step), label, features);
          expect(buffer.bytes).toBeLessThanOrEqual(options.bytes ?? Infinity);
          expect(buffer.size).toBeLessThanOrEqual(options.capacity ?? Infinity);
          if (step % 7 === 0) {
            expect(buffer.bytes).toBe(countedBytes(buffer, options));
            expect(sorted(buffer.classes)).toEqual(sorted(countsOf(buffer)));
          }
          const slots = buffer.sample(random.integer(8));
          expect(slots.every((slot) => slot >= 0 && slot < buffer.size)).toBe(true);
          buffer.feedback(
            slots,
            Float32Array.from(slots, () => random.uniform(0, 3)),
          );
        }
        expect(buffer.offered).toBe(250);
      }),
      { numRuns: 40, seed: 8 },
    );
  });
});

/** χ² of counts against equal expectation, and its 99.9 % quantile by Wilson and Hilferty. */
function chiSquared(counts: readonly number[]): { statistic: number; limit: number } {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  const statistic = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  const limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
  return { statistic, limit };
}

/** How often each id left, over many buffers with `labels` stored in turn and one more example offered. */
function evictions(labels: readonly number[], extra: number, evict: EvictPolicy, repeats: number): number[] {
  const left = new Array<number>(labels.length + 1).fill(0);
  for (let seed = 0; seed < repeats; seed++) {
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: labels.length, evict, seed });
    [...labels, extra].forEach((label, id) => buffer.store(numbered(id), label));
    const kept = new Set(idsOf(buffer));
    left.forEach((_, id) => {
      if (!kept.has(id)) left[id]! += 1;
    });
  }
  return left;
}

describe('eviction', () => {
  it('largest-class takes each member of the largest class equally often, the new one included, and no other', () => {
    const left = evictions([0, 1, 1, 2, 1, 1, 0, 1, 1], 1, 'largest-class', 2000);
    const members = [1, 2, 4, 5, 7, 8, 9];
    expect(members.reduce((sum, id) => sum + left[id]!, 0)).toBe(2000);
    const { statistic, limit } = chiSquared(members.map((id) => left[id]!));
    expect(statistic).toBeLessThan(limit);
  });

  it('largest-class draws among classes of the same size', () => {
    const left = evictions([0, 1, 0, 1, 2, 2], 3, 'largest-class', 2000);
    expect(left[6]).toBe(0);
    const { statistic, limit } = chiSquared(left.slice(0, 6));
    expect(statistic).toBeLessThan(limit);
  });

  it('largest-class keeps drawing evenly once records have moved, and balances the classes', () => {
    const age = new Array<number>(20).fill(0); // by place in the stream, how many are left
    for (let seed = 0; seed < 600; seed++) {
      const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 10, seed });
      for (let id = 0; id < 40; id++) buffer.store(numbered(id), id % 2);
      expect([...buffer.classes.values()]).toEqual([5, 5]);
      for (const id of idsOf(buffer)) age[Math.floor(id / 2)]! += 1;
    }
    expect(age.reduce((a, b) => a + b, 0)).toBe(6000);
    // a class that stays the largest or ties with it loses old and new members alike, so early ones are fewer, not gone
    expect(Math.min(...age)).toBeGreaterThan(0);
  });

  it('reservoir keeps every example of the stream equally often', () => {
    const kept = new Array<number>(60).fill(0);
    for (let seed = 0; seed < 800; seed++) {
      const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 7, evict: 'reservoir', seed });
      for (let id = 0; id < 60; id++) buffer.store(numbered(id), id % 3);
      for (const id of idsOf(buffer)) kept[id]! += 1;
    }
    const { statistic, limit } = chiSquared(kept);
    expect(statistic).toBeLessThan(limit);
  });

  it('fifo keeps the last ones', () => {
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 5, evict: 'fifo', seed: 1 });
    for (let id = 0; id < 23; id++) buffer.store(numbered(id), id % 3);
    expect(idsOf(buffer).sort((a, b) => a - b)).toEqual([18, 19, 20, 21, 22]);
  });

  it('herding drops the member without which the kept mean comes closest to the mean of all offered', () => {
    const random = new Random(5);
    const features = Array.from({ length: 40 }, () =>
      Float32Array.from({ length: 2 }, () => random.normal()),
    );
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 6, evict: 'herding', features: 2, seed: 1 });
    let kept: number[] = [];
    features.forEach((feature, id) => {
      buffer.store(numbered(id), 4, feature);
      const mean = (ids: readonly number[], d: number) =>
        ids.reduce((sum, i) => sum + features[i]![d]!, 0) / ids.length;
      const offered = Array.from({ length: id + 1 }, (_, i) => i);
      const distance = (ids: readonly number[]) =>
        Math.hypot(mean(ids, 0) - mean(offered, 0), mean(ids, 1) - mean(offered, 1));
      const candidates = [...kept, id];
      const choices = candidates.map((out) => candidates.filter((other) => other !== out));
      kept = id < 6 ? candidates : choices.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      expect(idsOf(buffer).sort((a, b) => a - b)).toEqual(kept);
    });
  });
});

describe('sampling', () => {
  const filled = (sample: SamplePolicy, evict: EvictPolicy = 'largest-class') => {
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 20, sample, evict, seed: 3 });
    for (let id = 0; id < 20; id++) buffer.store(numbered(id), id < 15 ? 0 : id < 18 ? 1 : 2);
    return buffer;
  };
  const draws = (buffer: ReplayBuffer, count: number, times: number) => {
    const counts = new Array<number>(20).fill(0);
    for (let i = 0; i < times; i++) for (const slot of buffer.sample(count)) counts[slot]! += 1;
    return counts;
  };

  it('uniform draws every slot equally often and none twice in one draw', () => {
    const buffer = filled('uniform');
    for (let i = 0; i < 100; i++) expect(new Set(buffer.sample(7)).size).toBe(7);
    const { statistic, limit } = chiSquared(draws(buffer, 7, 2000));
    expect(statistic).toBeLessThan(limit);
    expect([...buffer.sample(50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('class-balanced draws every class equally often, and its members', () => {
    const counts = draws(filled('class-balanced'), 30, 200);
    const classes = [counts.slice(0, 15), counts.slice(15, 18), counts.slice(18)];
    for (const group of [classes.map((c) => c.reduce((a, b) => a + b)), ...classes]) {
      const { statistic, limit } = chiSquared(group);
      expect(statistic).toBeLessThan(limit);
    }
  });

  it('reservoir draws classes as often as the stream had them', () => {
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 4, sample: 'reservoir', seed: 3 });
    for (let id = 0; id < 40; id++) buffer.store(numbered(id), id % 4 === 0 ? 1 : 0); // 30 of class 0, 10 of class 1
    expect(sorted(buffer.classes)).toEqual([
      [0, 2],
      [1, 2],
    ]);
    let first = 0;
    for (let i = 0; i < 200; i++)
      for (const slot of buffer.sample(30)) first += buffer.labelAt(slot) === 0 ? 1 : 0;
    expect(Math.abs(first / 6000 - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / 6000));
  });

  it('loss-weighted draws in proportion to the reported losses', () => {
    const buffer = filled('loss-weighted');
    const slots = Int32Array.from({ length: 20 }, (_, i) => i);
    buffer.feedback(
      slots,
      Float32Array.from(slots, (slot) => (slot < 10 ? 0 : slot)),
    );
    const counts = draws(buffer, 31, 1000);
    const total = 31_000;
    const weight = (slot: number) => 0.01 + (slot < 10 ? 0 : slot);
    const sum = [...slots].reduce((all, slot) => all + weight(slot), 0);
    counts.forEach((count, slot) => {
      const p = weight(slot) / sum;
      expect(Math.abs(count - total * p)).toBeLessThan(5 * Math.sqrt(total * p * (1 - p)) + 1);
    });
  });

  it('gives nothing from an empty buffer, whatever the policy', () => {
    for (const sample of SAMPLE) {
      expect(new ReplayBuffer({ shape: SHAPE, capacity: 3, sample, seed: 1 }).sample(4).length).toBe(0);
    }
  });

  it('does not depend on what is evicted, nor eviction on what is sampled', () => {
    const run = (count: number) => {
      const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 5, seed: 9 });
      for (let id = 0; id < 50; id++) {
        buffer.store(numbered(id), id % 3);
        buffer.sample(count);
      }
      return idsOf(buffer);
    };
    expect(run(0)).toEqual(run(4));
  });
});

describe('distortion', () => {
  it('is of the images that are stored now, to the bit of a fresh count', () => {
    const images = new Map(Array.from({ length: 60 }, (_, id) => [id, numbered(id)] as const));
    const buffer = new ReplayBuffer({ shape: SHAPE, capacity: 9, codec: 'quantise(8)', seed: 2 });
    const lossy = new ReplayBuffer({ shape: SHAPE, capacity: 9, codec: 'quantise(4)', seed: 2 });
    for (const [id, pixels] of images) {
      buffer.store(pixels, id % 4);
      lossy.store(pixels, id % 4);
    }
    expect(buffer.distortion()).toEqual({
      meanSquaredError: 0,
      psnr: Infinity,
      bytesPerImage: buffer.bytes / 9,
    });
    let sum = 0;
    idsOf(buffer).forEach((id, slot) => {
      const into = new Float32Array(16); // the same slots: the codec takes no part in the draws
      lossy.read(Int32Array.of(slot), into);
      sum += Math.round(into.reduce((error, value, i) => error + (value - images.get(id)![i]!) ** 2, 0));
    });
    const { meanSquaredError, psnr } = lossy.distortion();
    expect(meanSquaredError).toBe(sum / (9 * 16));
    expect(psnr).toBeCloseTo(10 * Math.log10(255 ** 2 / meanSquaredError), 9);
  });
});
