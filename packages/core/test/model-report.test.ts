import { memory, tidy, zerosLike } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Split } from '@ockham/core';
import {
  compareModels,
  describeModel,
  describeModels,
  formatComparison,
  formatLayers,
  measureSize,
  textTable,
  type Latency,
  type ModelReport,
} from '@ockham/core/metrics';
import { cloneModel, mlp } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

const data: Split = {
  size: 4,
  x: { values: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)), shape: [3] },
  y: { values: Int32Array.of(0, 1, 0, 1), shape: [] },
};
const quick = { batch: [1, 2], repeats: 3, warmup: 0 };
const small = () => keep(mlp({ inputShape: [3], units: [5], classes: 2, seed: 4 }));

describe('measureSize', () => {
  it('is what model.save writes: model.json and weights.bin', async () => {
    const model = small();
    let weights = 0;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        weights = (artifacts.weightData as ArrayBuffer).byteLength;
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
      }),
    );
    const size = await measureSize(model);
    expect(weights).toBe(4 * 32);
    expect(size.residentBytes).toBe(4 * 32);
    expect(size.bytes).toBeGreaterThan(weights + JSON.stringify(model.toJSON(undefined, false)).length);
    expect(size.gzipBytes).toBeLessThan(size.bytes);
  });

  it('sees that zeros compress, and that the file holds them all the same', async () => {
    const model = keep(mlp({ inputShape: [100], units: [], classes: 100, seed: 1 }));
    const dense = await measureSize(model);
    tidy(() => variableOf(model.weights[0]!).assign(zerosLike(model.weights[0]!.read())));
    const zeros = await measureSize(model);
    expect(zeros.bytes).toBe(dense.bytes);
    const random = gzipSync(new Uint8Array(40_400)).length;
    expect(zeros.gzipBytes).toBeLessThan(dense.gzipBytes / 10);
    expect(zeros.gzipBytes).toBeGreaterThan(random);
  });
});

describe('describeModel', () => {
  it('holds every figure, and goes through JSON unchanged', async () => {
    const before = memory().numTensors;
    const model = small();
    const report = await describeModel(model, { data, latency: quick, files: { sparse: 99 }, name: 'toy' });
    expect(report).toMatchObject({
      name: 'toy',
      parameters: 32,
      kernels: 25,
      biases: 7,
      nonZeroKernels: 25,
      nonZeroBiases: 0,
      flops: 2 * 25 + 7 + 5 + 6,
      nonZeroFlops: 2 * 25 + 5 + 6,
      unknownFlops: [],
      residentBytes: 128,
      files: { sparse: 99 },
      engine: tf.getBackend(),
      examples: 4,
    });
    expect(report.latency.map(({ batch }) => batch)).toEqual([1, 2]);
    expect(report.accuracy).toBeGreaterThanOrEqual(0);
    expect(report.layers.map((layer) => layer.name).slice(1)).toEqual(['dense1', 'output']);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    model.dispose();
    made.pop();
    expect(memory().numTensors).toBe(before);
  });

  it('leaves out what was not asked for', async () => {
    const report = await describeModel(small(), { latency: false });
    expect(report).toMatchObject({ latency: [], files: {} });
    expect(report).not.toHaveProperty('accuracy');
  });

  it('gives no accuracy for real targets', async () => {
    const real: Split = { ...data, y: { values: new Float32Array(8), shape: [2] } };
    const report = await describeModel(small(), {
      data: real,
      evaluate: { loss: 'meanSquaredError' },
      latency: false,
    });
    expect(report).not.toHaveProperty('accuracy');
    expect(report.loss).toBeGreaterThan(0);
  });

  it('refuses a file size that is not a number of bytes, and stops when the signal fires', async () => {
    await expect(describeModel(small(), { latency: false, files: { sparse: -1 } })).rejects.toThrow(
      /files.sparse/,
    );
    const signal = AbortSignal.abort();
    await expect(describeModel(small(), { signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('compareModels', () => {
  const latency = (batch: number, median: number): Latency => ({
    batch,
    median,
    quartiles: [median * 0.99, median * 1.01],
    spread: median * 0.02,
    repeats: 30,
  });
  const base: ModelReport = {
    name: 'dense',
    parameters: 1000,
    kernels: 900,
    biases: 100,
    nonZeros: 1000,
    nonZeroKernels: 900,
    nonZeroBiases: 100,
    sparsity: 0,
    flops: 2000,
    nonZeroFlops: 2000,
    unknownFlops: [],
    bytes: 5000,
    gzipBytes: 4000,
    residentBytes: 4000,
    files: {},
    engine: 'wasm',
    latency: [latency(1, 2), latency(32, 10)],
    accuracy: 0.99,
    loss: 0.1,
    examples: 100,
    layers: [],
  };
  const after = (change: Partial<ModelReport>): ModelReport => ({ ...base, name: 'pruned', ...change });
  const better = {
    nonZeros: 100,
    nonZeroKernels: 90,
    nonZeroFlops: 200,
    bytes: 2500,
    latency: [latency(1, 1), latency(32, 5)],
  };

  it('has a row for each figure, with ratios above 1 for what got better', () => {
    const { rows, warnings } = compareModels(base, after({ ...better, accuracy: 0.999 }));
    expect(Object.fromEntries(rows.map((row) => [row.figure, row.ratio]))).toEqual({
      parameters: 1,
      'kernel weights': 1,
      biases: 1,
      'non-zeros': 10,
      FLOPs: 1,
      'non-zero FLOPs': 10,
      'bytes on disk': 2,
      'gzip bytes': 1,
      'resident bytes': 1,
      'latency, batch 1': 2,
      'latency, batch 32': 2,
      accuracy: expect.closeTo(0.999 / 0.99, 12),
    });
    expect(warnings).toEqual([]);
  });

  it('says that nothing changed, that the file is not smaller and that it is not faster', () => {
    expect(compareModels(base, after({})).warnings).toEqual([
      expect.stringMatching(/^nothing changed/),
      expect.stringMatching(/^the file is not smaller/),
      expect.stringMatching(/^it is not faster/),
    ]);
  });

  it('warns of pruning that only wrote zeros', () => {
    const { latency: _, bytes: __, ...zeros } = better;
    expect(compareModels(base, after(zeros)).warnings).toEqual([
      expect.stringMatching(/^the file is not smaller/),
      expect.stringMatching(/^it is not faster/),
    ]);
  });

  it('counts a smaller file in a method’s own format as the promise kept, and shows it', () => {
    const { warnings, rows } = compareModels(base, after({ ...better, bytes: 5000, files: { sparse: 500 } }));
    expect(warnings).toEqual([]);
    expect(rows).toContainEqual({
      figure: 'file: sparse',
      unit: 'bytes',
      before: 5000,
      after: 500,
      ratio: 10,
    });
  });

  it.each([
    [{ parameters: 1100 }, /^parameters grew from 1,000 to 1,100$/],
    [{ gzipBytes: 4100 }, /^gzip bytes grew/],
    [{ latency: [latency(1, 3), latency(32, 5)] }, /^it is slower at batch 1: 2 ms became 3 ms \(×1.5\)$/],
    [{ accuracy: 0.98 }, /^accuracy fell by 1.00 points, from 99.00 % to 98.00 %$/],
    [{ engine: 'cpu' }, /different engines: wasm and cpu/],
    [{ examples: 50 }, /100 and 50 examples/],
    [{ unknownFlops: ['riddle'] }, /unknown cost: riddle/],
    [{ latency: [] }, /not known whether it is faster/],
  ] as const)('warns of %o alone', (change, message) => {
    expect(compareModels(base, after({ ...better, ...change })).warnings).toEqual([
      expect.stringMatching(message),
    ]);
  });

  it('does not take noise for a slower or a faster model', () => {
    const noisy: Latency = { ...latency(1, 2.2), quartiles: [1.9, 2.6] };
    const { warnings } = compareModels(base, after({ ...better, latency: [noisy] }));
    expect(warnings).toEqual([expect.stringMatching(/^it is not faster/)]);
  });

  it('holds a method to what it promises', () => {
    const warnings = (promised: readonly string[]) =>
      compareModels(base, after(better), { promised: promised as never }).warnings;
    expect(warnings(['less-memory', 'fewer-flops'])).toEqual([
      expect.stringMatching(/less memory/),
      expect.stringMatching(/fewer FLOPs/),
    ]);
    expect(warnings([])).toEqual([]);
    expect(() => warnings(['cheaper'])).toThrow(/promised must list/);
  });

  it('finds on real models that zeros make neither the file smaller nor anything else', async () => {
    const model = small();
    const copy = keep(await cloneModel(model));
    const options = { data, latency: quick };
    const same = await describeModels({ before: model, after: copy }, options);
    expect(compareModels(same['before']!, same['after']!).warnings[0]).toMatch(/^nothing changed/);
    tidy(() => variableOf(copy.weights[0]!).assign(zerosLike(copy.weights[0]!.read())));
    const { before, pruned } = await describeModels({ before: model, pruned: copy }, options);
    const comparison = compareModels(before!, pruned!);
    expect(comparison.warnings).toContainEqual(expect.stringMatching(/^the file is not smaller/));
    expect(comparison.rows.find((row) => row.figure === 'non-zeros')).toMatchObject({
      before: 25,
      after: 10,
    });
  });

  it('prints as an aligned table with the warnings below', () => {
    const text = formatComparison(
      compareModels(base, after({ ...better, accuracy: 0.9895, files: { sparse: 500 } })),
    );
    expect(text.split('\n')).toEqual([
      '                     dense   pruned   gain',
      '-----------------  -------  -------  -----',
      'parameters           1,000    1,000     1×',
      'kernel weights         900      900     1×',
      'biases                 100      100     1×',
      'non-zeros            1,000      100    10×',
      'FLOPs                2,000    2,000     1×',
      'non-zero FLOPs       2,000      200    10×',
      'bytes on disk        5,000    2,500     2×',
      'gzip bytes           4,000    4,000     1×',
      'resident bytes       4,000    4,000     1×',
      'file: sparse         5,000      500    10×',
      'latency, batch 1      2 ms     1 ms     2×',
      'latency, batch 32    10 ms     5 ms     2×',
      'accuracy           99.00 %  98.95 %  −0.05',
      'warning: accuracy fell by 0.05 points, from 99.00 % to 98.95 %',
    ]);
  });
});

describe('text tables', () => {
  it('list the layers of a report with their sum', async () => {
    const lines = formatLayers(await describeModel(small(), { latency: false })).split('\n');
    expect(lines[0]).toMatch(/^layer +type +parameters +non-zeros +kernel kept +FLOPs +non-zero FLOPs$/);
    expect(lines.find((line) => line.startsWith('dense1 '))).toMatch(/Dense +20 +15 +100 % +40 +35$/);
    expect(lines.at(-1)).toMatch(/^all +32 +25 +100 % +68 +61$/);
  });

  it('are empty for no rows and end no line in blanks', () => {
    expect(textTable([])).toBe('');
    expect(textTable([['a', 'b'], ['cc', '']])).toBe('a   b\n--  -\ncc'); // prettier-ignore
  });
});
