import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import {
  blurred,
  classIncremental,
  domainDrift,
  driftSplit,
  examplesUntil,
  fromExamples,
  iid,
  imbalanced,
  inBatches,
  instanceOrdered,
  labelNoise,
  type Stream,
  streamOf,
} from '@ockham/cssl';

/** `perClass` images of each class; the first pixel is the class, the second the number within it. */
function images(classes: number, perClass: number, shape: readonly number[] = [4, 4, 1]): Split {
  const size = classes * perClass;
  const width = shape.reduce((a, b) => a * b, 1);
  const values = new Uint8Array(size * width);
  const labels = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    labels[i] = i % classes;
    values[i * width] = i % classes;
    values[i * width + 1] = Math.floor(i / classes);
  }
  return { size, x: { values, shape, scale: 1 / 255 }, y: { values: labels, shape: [] } };
}

const labelsOf = (stream: Stream) => Array.from(stream, ({ y }) => y);
const split = images(5, 20);

const every: Record<string, (seed: number) => Stream> = {
  'class-incremental': (seed) => classIncremental(split, { seed }),
  iid: (seed) => iid(split, { seed }),
  'instance-ordered by class': (seed) => instanceOrdered(split, { seed, instancesPerClass: 4 }),
  'instance-ordered': (seed) => instanceOrdered(split, { seed, instancesPerClass: 4, order: 'instance' }),
  blurred: (seed) => blurred(split, { seed }),
  imbalanced: (seed) => imbalanced(iid(split, { seed }), { seed, ratio: 20 }),
  'label noise': (seed) => labelNoise(classIncremental(split, { seed }), { seed, rate: 0.5 }),
  'domain drift': (seed) => domainDrift(iid(split, { seed }), { rotation: 90, brightness: 0.5 }),
};

describe.each(Object.entries(every))('%s', (name, make) => {
  it('gives each example at most once and tests at the end', () => {
    const { rows, size, events } = make(3);
    expect(new Set(rows).size).toBe(size);
    if (name !== 'imbalanced') expect(size).toBe(split.size);
    expect(events.at(-1)!.after).toBe(size);
    expect([...events.at(-1)!.classes].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('is the same under a seed and goes on from any position', () => {
    const all = Array.from(make(3));
    expect(Array.from(make(3))).toEqual(all);
    expect(Array.from(make(4))).not.toEqual(all);
    for (const position of [0, 17, all.length]) {
      expect(Array.from(make(3).from(position))).toEqual(all.slice(position));
    }
  });
});

describe('class-incremental', () => {
  it('brings one class after the other, in the order that was asked for', () => {
    const stream = classIncremental(split, { order: [3, 1], seed: 2 });
    expect(labelsOf(stream)).toEqual([...Array(20).fill(3), ...Array(20).fill(1)]);
    expect(stream.events).toEqual([
      { after: 20, classes: [3] },
      { after: 40, classes: [3, 1] },
    ]);
  });

  it('mixes the classes of a step and tests after each', () => {
    const stream = classIncremental(split, { order: [0, 1, 2, 3, 4], classesPerStep: 2 });
    expect(new Set(labelsOf(stream).slice(0, 40))).toEqual(new Set([0, 1]));
    expect(labelsOf(stream).slice(0, 20)).toContain(1);
    expect(stream.events.map(({ after }) => after)).toEqual([40, 80, 100]);
  });

  it('shows a class in the same order wherever it stands', () => {
    const early = classIncremental(split, { order: [2, 0], seed: 5 }).rows.subarray(0, 20);
    const late = classIncremental(split, { order: [0, 2], seed: 5 }).rows.subarray(20);
    expect(late).toEqual(early);
  });

  it.each([
    [{ order: [0, 9] }, /order must name classes .* each once \(0, 1, 2, 3, 4\), got 0, 9/],
    [{ order: [1, 1] }, /got 1, 1/],
    [{ classesPerStep: 0 }, /classesPerStep must be an integer ≥ 1, got 0/],
  ])('refuses %j', (options, message) => {
    expect(() => classIncremental(split, options)).toThrow(message);
  });

  it('refuses labels that are no classes', () => {
    const bad = { ...split, y: { ...split.y, values: Float32Array.from(split.y.values, (v) => v + 0.5) } };
    expect(() => classIncremental(bad)).toThrow(/labels must be integers ≥ 0, got 0.5 in example 0/);
    expect(() => classIncremental({ ...split, size: 0 })).toThrow(/at least one example/);
  });
});

describe('instance-ordered', () => {
  it('keeps the frames of a given instance together, in their order', () => {
    const instances = Int32Array.from({ length: split.size }, (_, i) => Math.floor(i / 50)); // two clips a class
    const stream = instanceOrdered(split, { seed: 1, instances });
    for (let start = 0; start < stream.size; start += 10) {
      const run = [...stream.rows.subarray(start, start + 10)];
      expect(new Set(run.map((row) => `${split.y.values[row]}/${instances[row]}`)).size).toBe(1);
      expect(run).toEqual(run.toSorted((a, b) => a - b));
    }
  });

  it('puts similar images next to one another', () => {
    const random = new Random(1);
    const blobs = images(1, 60, [7, 7, 1]);
    const group = Array.from({ length: 60 }, () => random.integer(3));
    for (const [i, g] of group.entries()) {
      (blobs.x.values as Uint8Array).fill(80 * g + random.integer(20), i * 49, (i + 1) * 49);
    }
    const { rows } = instanceOrdered(blobs, { instancesPerClass: 3 });
    const changes = Array.from(rows.subarray(1), (row, i) => group[row] !== group[rows[i]!]);
    expect(changes.filter(Boolean)).toHaveLength(2);
  });
});

describe('blurred', () => {
  it('is class-incremental at width 0 and mixes at the boundary only when narrow', () => {
    const order = [4, 3, 2, 1, 0];
    expect(labelsOf(blurred(split, { order, width: 0 }))).toEqual(
      labelsOf(classIncremental(split, { order })),
    );
    const labels = labelsOf(blurred(images(2, 500), { order: [0, 1], width: 0.1 }));
    expect(labels.slice(0, 300)).toEqual(Array(300).fill(0));
    expect(new Set(labels.slice(450, 550))).toEqual(new Set([0, 1]));
  });
});

describe('imbalanced', () => {
  it('lets class sizes fall exponentially to the ratio', () => {
    const stream = imbalanced(iid(images(3, 400), { seed: 1 }), { ratio: 100, seed: 1 });
    const counts = [0, 1, 2].map((label) => labelsOf(stream).filter((y) => y === label).length);
    expect(counts.toSorted((a, b) => b - a)).toEqual([400, 40, 4]);
  });

  it('keeps every class and the order of what stays', () => {
    const whole = classIncremental(split, { seed: 3 });
    const thin = imbalanced(whole, { ratio: 1e6, seed: 1 });
    expect(new Set(labelsOf(thin)).size).toBe(5);
    expect([...thin.rows]).toEqual([...whole.rows].filter((row) => thin.rows.includes(row)));
    expect(thin.events).toHaveLength(5);
  });
});

describe('label noise', () => {
  it('hits a share of the labels, each other class as likely', () => {
    const whole = iid(images(4, 1000), { seed: 1 });
    const noisy = Array.from(labelNoise(whole, { rate: 0.3, seed: 1 }));
    const wrong = noisy.filter(({ y, x }) => y !== x[0]);
    expect(wrong.length / 4000).toBeCloseTo(0.3, 1);
    const steps = [1, 2, 3].map((d) => wrong.filter(({ y, x }) => (y - x[0]! + 4) % 4 === d).length);
    for (const count of steps) expect(Math.abs(count - 400)).toBeLessThan(80);
  });

  it('works on examples that arrive one by one, once the classes are named', async () => {
    const source = () => fromExamples(iid(split, { seed: 1 }));
    expect(() => labelNoise(source())).toThrow(/two classes to draw from, got 0/);
    const asynchronous = [];
    for await (const example of labelNoise(source(), { rate: 0.5, seed: 2, classes: [0, 1, 2, 3, 4] })) {
      asynchronous.push(example);
    }
    expect(asynchronous).toEqual(Array.from(labelNoise(iid(split, { seed: 1 }), { rate: 0.5, seed: 2 })));
  });
});

describe('domain drift', () => {
  const one: Split = {
    size: 1,
    x: { values: Uint8Array.of(10, 20, 30, 40), shape: [2, 2, 1], scale: 1 / 255 },
    y: { values: Int32Array.of(0), shape: [] },
  };

  it('turns counter-clockwise: a quarter turn moves every pixel of a square', () => {
    expect([...driftSplit(one, { rotation: 90 }).x.values]).toEqual([20, 40, 10, 30]);
    expect([...driftSplit(one, { rotation: 360 }).x.values]).toEqual([10, 20, 30, 40]);
  });

  it('brightens and flattens within the range', () => {
    expect([...driftSplit(one, { brightness: 1 }).x.values]).toEqual([255, 255, 255, 255]);
    expect([...driftSplit(one, { contrast: 0 }).x.values]).toEqual([128, 128, 128, 128]);
    expect([...driftSplit(one, { brightness: 0.2 }, 0.5).x.values]).toEqual([36, 46, 56, 66]);
  });

  it('begins with the image as it is and has the whole drift at the end', () => {
    const stream = domainDrift(streamOf({ name: 'one', split: one, rows: Int32Array.of(0, 0, 0) }), {
      brightness: 0.2,
      length: 2,
    });
    expect(Array.from(stream, ({ x }) => x[0])).toEqual([10, 36, 61]);
    expect([...examplesUntil(stream, 3).x.values]).toEqual([10, 20, 30, 40, 36, 46, 56, 66, 61, 71, 81, 91]);
  });

  it.each([
    [{ rotation: NaN }, /rotation must be/],
    [{ brightness: 2 }, /brightness must be in \[−1, 1\], got 2/],
    [{ contrast: -1 }, /contrast must be/],
    [{ length: 0 }, /length must be/],
  ])('refuses %j', (options, message) => {
    expect(() => domainDrift(iid(one), options)).toThrow(message);
  });
});

describe('examples from any source', () => {
  it('are numbered, and passed over up to a position', async () => {
    const positions = [];
    for await (const { position } of fromExamples(iid(split), 95)) positions.push(position);
    expect(positions).toEqual([95, 96, 97, 98, 99]);
  });

  it('come in batches of a size, the last one smaller', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), async (size) => {
        const batches = [];
        for await (const batch of inBatches(iid(split, { seed: 1 }), size)) batches.push(batch);
        expect(batches.flat()).toEqual(Array.from(iid(split, { seed: 1 })));
        expect(batches.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
      }),
      { numRuns: 20 },
    ));
});

it('hands a learner floats in [0, 1] where the split is no bytes', () => {
  const floats: Split = {
    size: 1,
    x: { values: Float32Array.of(0, 128), shape: [2, 1, 1], scale: 1 / 256 },
    y: { values: Int32Array.of(3), shape: [] },
  };
  expect(iid(floats).at(0)).toEqual({ x: Float32Array.of(0, 0.5), y: 3, position: 0 });
});
