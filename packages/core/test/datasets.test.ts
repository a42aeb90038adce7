import fc from 'fast-check';
import { tensor1d, tensor2d } from '@tensorflow/tfjs';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkSplit } from '@ockham/core';
import type { Column } from '@ockham/core';
import {
  CIFAR_10,
  CIFAR_100,
  gaussianClusters,
  holdOut,
  linearTeacher,
  parseCifar,
  parseIdx,
  parseMnistFiles,
  toSplit,
} from '@ockham/core/datasets';
import { untar } from '../src/datasets/tar.ts';
import { idxFile, mnistFiles, tarFile } from './made-datasets.ts';

const corrupt = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'corrupt-file', message: expect.stringMatching(message) });

describe('parseIdx', () => {
  it('reads shape and values of any rank', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), (shape) => {
        const values = Uint8Array.from({ length: shape.reduce((p, d) => p * d, 1) }, (_, i) => i * 37);
        expect(parseIdx(idxFile(shape, values))).toStrictEqual({ shape, values });
      }),
    );
  });

  it.each([
    ['an empty file', new Uint8Array(0), /got an empty file/],
    ['floating-point numbers', Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), /got 00 00 0d 01/],
    ['a gzip file that was not decompressed', Uint8Array.of(0x1f, 0x8b, 8, 0), /decompressed/],
    ['rank 0', Uint8Array.of(0, 0, 8, 0), /its rank/],
    ['a cut header', Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1), /has 12 bytes, got 8/],
    ['a cut body', idxFile([2, 2], new Uint8Array(3)), /needs 4 bytes after the header, got 3/],
    ['a body too long', idxFile([2, 2], new Uint8Array(5)), /needs 4 bytes after the header, got 5/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'x')).toThrow(corrupt(message));
  });
});

describe('parseMnistFiles', () => {
  it('gives bytes with a scale, a channel axis and class indexes', () => {
    const { train, test } = parseMnistFiles(mnistFiles([1, 9, 0], [4]), 10, 'made');
    expect(train.x).toMatchObject({ shape: [28, 28, 1], scale: 1 / 255 });
    expect(train.x.values.constructor).toBe(Uint8Array);
    expect(train.y).toStrictEqual({ values: Int32Array.of(1, 9, 0), shape: [] });
    expect(test.size).toBe(1);
    checkSplit('made', train, 10);
  });

  it('refuses a label out of range, naming the example', () => {
    expect(() => parseMnistFiles(mnistFiles([1, 10], [4]), 10, 'made')).toThrow(
      corrupt(/labels must be in \[0, 9\], got 10 in example 1/),
    );
  });

  it('refuses images and labels that disagree, and files that were swapped', () => {
    const files = new Map(mnistFiles([1, 2], [4]));
    files.set('t10k-labels-idx1-ubyte.gz', files.get('train-labels-idx1-ubyte.gz')!);
    expect(() => parseMnistFiles(files, 10, 'made')).toThrow(corrupt(/2 labels and 784 bytes/));
    files.set('t10k-labels-idx1-ubyte.gz', files.get('train-images-idx3-ubyte.gz')!);
    expect(() => parseMnistFiles(files, 10, 'made')).toThrow(corrupt(/rank 1/));
  });
});

describe('parseCifar', () => {
  const record = (labels: number[], seed: number) =>
    Uint8Array.of(...labels, ...Array.from({ length: 3072 }, (_, i) => (i * 7 + seed) % 256));

  it.each([
    ['CIFAR-10', CIFAR_10, [3]],
    ['CIFAR-100, whose fine label is kept', CIFAR_100, [11, 3]],
  ])('puts the planes of %s together as pixels', (_, layout, labels) => {
    const { size, x, y } = parseCifar([record(labels, 1), record(labels, 2)], layout);
    expect({ size, labels: [...y.values], shape: x.shape }).toEqual({
      size: 2,
      labels: [3, 3],
      shape: [32, 32, 3],
    });
    for (const [example, row, column, channel] of [
      [0, 0, 0, 0],
      [0, 0, 1, 2],
      [1, 31, 31, 1],
      [1, 5, 0, 0],
    ] as const) {
      const plane = channel * 1024 + row * 32 + column;
      expect(x.values[((example * 32 + row) * 32 + column) * 3 + channel]).toBe(
        (plane * 7 + example + 1) % 256,
      );
    }
  });

  it('refuses an empty file, a cut record, no file and a label out of range', () => {
    expect(() => parseCifar([new Uint8Array(0)], CIFAR_10)).toThrow(
      corrupt(/whole records of 3073 bytes, got 0/),
    );
    expect(() => parseCifar([record([3], 0).subarray(1)], CIFAR_10)).toThrow(corrupt(/got 3072/));
    expect(() => parseCifar([], CIFAR_10)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => parseCifar([record([10], 0)], CIFAR_10)).toThrow(corrupt(/got 10 in example 0/));
  });
});

describe('untar', () => {
  it('finds the named files, also in a view of a larger buffer', () => {
    const archive = tarFile({ 'folder/a.bin': Uint8Array.of(1, 2), 'folder/b.bin': Uint8Array.of(3) });
    const view = new Uint8Array([9, ...archive]).subarray(1);
    expect(untar(view, 'x', ['b.bin', 'a.bin'])).toEqual(
      new Map([
        ['a.bin', Uint8Array.of(1, 2)],
        ['b.bin', Uint8Array.of(3)],
      ]),
    );
  });

  it('refuses an archive that lacks a file or is cut off inside one', () => {
    const archive = tarFile({ 'a.bin': new Uint8Array(2000) });
    expect(() => untar(archive, 'x', ['b.bin'])).toThrow(corrupt(/must hold b\.bin/));
    expect(() => untar(archive.slice(0, 1200), 'x', ['a.bin'])).toThrow(corrupt(/cut off/));
  });
});

describe('holdOut', () => {
  it('moves the last training examples to the test split and says so', () => {
    const whole = gaussianClusters({ examples: 10, seed: 1 });
    const held = holdOut(whole, 3);
    expect([held.train.size, held.test.size]).toEqual([7, 3]);
    expect(held.test.y.values).toEqual(whole.train.y.values.slice(7));
    expect(held.provenance.note).toContain('last 3 of 10');
    for (const count of [0, 10, 1.5]) expect(() => holdOut(whole, count)).toThrow(/in \[1, 9\]/);
  });
});

describe('gaussianClusters', () => {
  it('is the same for the same seed and another for another', () => {
    const values = (seed: number) => gaussianClusters({ seed }).train.x.values;
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it('has balanced classes whose means are the separation away from the origin', () => {
    const { train, classes } = gaussianClusters({
      classes: 2,
      features: 4,
      examples: 20_000,
      separation: 5,
      seed: 3,
    });
    checkSplit('clusters', train, classes.length);
    const mean = [0, 0, 0, 0];
    const first = [...train.y.values.keys()].filter((row) => train.y.values[row] === 0);
    for (const row of first)
      mean.forEach((_, i) => (mean[i]! += train.x.values[row * 4 + i]! / first.length));
    expect(first.length).toBe(10_000);
    expect(Math.hypot(...mean)).toBeCloseTo(5, 1);
  });

  it.each([{ classes: 0 }, { features: 1.5 }, { examples: -1 }, { separation: NaN }])(
    'refuses %o',
    (wrong) => {
      expect(() => gaussianClusters({ ...wrong, seed: 1 })).toThrow(
        expect.objectContaining({ code: 'invalid-argument' }),
      );
    },
  );
});

describe('linearTeacher', () => {
  it('has targets that the weights explain exactly without noise, and weights that are zero where asked', () => {
    const { train, weights } = linearTeacher({ features: 5, nonZero: 2, noise: 0, examples: 50, seed: 4 });
    expect([...weights.subarray(2)]).toEqual([0, 0, 0]);
    for (let row = 0; row < train.size; row++) {
      const x = train.x.values.subarray(row * 5, row * 5 + 5);
      const product = weights.reduce((sum, w, i) => sum + w * x[i]!, 0);
      expect(train.y.values[row]).toBeCloseTo(product, 5);
    }
  });

  it('has noise of the standard deviation asked for', () => {
    const { train, weights } = linearTeacher({ features: 1, noise: 0.5, examples: 20_000, seed: 5 });
    const residuals = Array.from(train.y.values, (y, i) => y - weights[0]! * train.x.values[i]!);
    const variance = residuals.reduce((sum, r) => sum + r * r, 0) / residuals.length;
    expect(Math.sqrt(variance)).toBeCloseTo(0.5, 2);
  });

  it.each([{ nonZero: 9 }, { noise: -1 }, { testExamples: 0 }])('refuses %o', (wrong) => {
    expect(() => linearTeacher({ ...wrong, seed: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

describe('toSplit', () => {
  const labels: Column = { values: Int32Array.of(2, 0), shape: [] };

  it('takes tensors, which stay the caller’s, and leaks none', async () => {
    const before = memory().numTensors;
    const x = tensor2d([1, 2, 3, 4], [2, 2]);
    const y = tensor1d([2, 0], 'int32');
    expect(await toSplit(x, y)).toStrictEqual({
      size: 2,
      x: { values: Float32Array.of(1, 2, 3, 4), shape: [2] },
      y: labels,
    });
    expect(memory().numTensors).toBe(before + 2);
    x.dispose();
    y.dispose();
  });

  it('takes nested arrays: whole numbers become class indexes, others stay real', async () => {
    const before = memory().numTensors;
    expect((await toSplit([[1], [2]], [2, 0])).y).toStrictEqual(labels);
    expect((await toSplit([[1], [2]], [0.5, 2])).y).toStrictEqual({
      values: Float32Array.of(0.5, 2),
      shape: [],
    });
    expect((await toSplit([[1], [2]], [[1], [2]])).y).toStrictEqual({
      values: Float32Array.of(1, 2),
      shape: [1],
    });
    expect(memory().numTensors).toBe(before);
  });

  it('turns one-hot targets into class indexes on request', async () => {
    const oneHot = [
      [0, 0, 1],
      [1, 0, 0],
    ];
    expect((await toSplit([[1], [2]], oneHot, { oneHot: true })).y).toStrictEqual(labels);
  });

  it.each([
    ['different numbers of examples', [[1], [2]], [1], false, /got 2 and 1/],
    ['a scalar', 1, [1], false, /axis of examples/],
    ['a row without a 1', [[1]], [[0, 0]], true, /in example 0/],
    ['a row with two', [[1]], [[1, 1]], true, /in example 0/],
    ['a one-hot row that is none', [[1]], [1], true, /must be \[n, classes\]/],
  ])('refuses %s', async (_, x, y, oneHot, message) => {
    await expect(toSplit(x, y, { oneHot })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
  });
});
