import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';
import {
  groupTable,
  hasRelaxedSimd,
  sparseBlocksOf,
  sparseGroupsOf,
  sparseRowsOf,
  sparseSlicesOf,
  sparsify,
} from '@ockham/core/kernels';
import { tableOneCnn } from '@ockham/core/models';
import { kernelsOf } from '../../src/backend/wasm-kernels/attach.ts';
import { registerSparse, sparseWeightsOf } from '../../src/backend/wasm-kernels/sparse-weights.ts';
import { sparseProductTwin, sparseVectorTwin } from '../../src/kernels/twins/sparse.ts';
import { bench, wholes } from './memory.ts';

const builds = [
  { relaxed: false, shared: false },
  ...(hasRelaxedSimd() ? [{ relaxed: true, shared: true }] : []),
];
const size = (max: number) => fc.integer({ min: 1, max });

/** Copies integers into the memory of kernels. */
const putter =
  (memory: WebAssembly.Memory, place: (size: number) => number) =>
  (array: Int32Array | Uint16Array | Uint8Array): number => {
    const at = place(Math.ceil(array.byteLength / 4));
    new Uint8Array(memory.buffer, at, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return at;
  };

/** Zeros all but about one number in `every`. */
const thinned = (values: Float32Array, every: number, seed: number): Float32Array => {
  const choice = wholes(values.length, seed);
  return values.map((value, i) => (((choice[i]! + 4) * 7 + i) % every === 0 ? value : 0));
};

describe('sparse rows', () => {
  it('hold the non-zero entries of the transpose, in order', () => {
    const rows = sparseRowsOf([0, 1, 2, 0, 0, 3], 3, 2);
    expect(rows.starts).toEqual(Int32Array.of(0, 1, 3));
    expect(rows.columns).toEqual(Int32Array.of(1, 0, 2));
    expect(rows.values).toEqual(Float32Array.of(2, 1, 3));
  });

  it('keep the order of columns in slices, the longest rows first', () => {
    const rows = sparseRowsOf([0, 1, 2, 0, 0, 3], 3, 2);
    const slices = sparseSlicesOf(rows, 0, 3);
    expect(slices.order).toEqual(Int32Array.of(1, 0));
    expect(slices.starts).toEqual(Int32Array.of(0, 2));
    expect([...slices.offsets].slice(0, 2)).toEqual([0, 4]);
    expect([...slices.offsets].slice(8, 10)).toEqual([8, 12]); // 12: the zero behind the last column
    expect([...slices.values.slice(0, 2), ...slices.values.slice(8, 10)]).toEqual([1, 2, 3, 0]);
    expect(sparseSlicesOf(rows, 1, 3).starts).toEqual(Int32Array.of(0, 1));
  });

  it('hold blocks of four outputs and groups of four inputs', () => {
    const w = [0, 1, 0, 0, 5, 2, 0, 0, 0, 0]; // 2 × 5
    const blocks = sparseBlocksOf(w, 2, 5);
    expect(blocks.starts).toEqual(Int32Array.of(0, 2, 3));
    expect(blocks.columns).toEqual(Int32Array.of(0, 1, 0));
    expect(blocks.values).toEqual(Float32Array.of(0, 1, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0));
    const groups = sparseGroupsOf(w, 2, 5);
    expect(groups.slots).toBe(1);
    expect(groups.values).toEqual(Float32Array.of(2, 1, 0, 0, 5, 0, 0, 0));
    expect(groups.places).toEqual(Uint8Array.of(1, 0)); // 2 lies at input 1
    expect(groupTable().subarray(16, 32)).toEqual(
      Uint8Array.of(4, 5, 6, 7, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3),
    );
  });

  describe.each(builds)('relaxed $relaxed, shared $shared', (build) => {
    it('times one vector equal the twin in every form, for every size and density', async () => {
      const { kernels, memory, place, read, reset } = await bench(build);
      const put = putter(memory, place);
      const table = groupTable();
      fc.assert(
        fc.property(
          ...([size(70), size(40), fc.integer({ min: 1, max: 12 }), fc.nat(999), fc.boolean()] as const),
          (k, n, every, seed, ends) => {
            reset();
            const w = thinned(wholes(k * n, seed), every, seed + 1);
            const [x, bias] = [wholes(k, seed + 2), wholes(n, seed + 3)];
            const range = ends ? ([-3, 6] as const) : ([-Infinity, Infinity] as const);
            const given = ends ? bias : undefined;
            const expected = Float32Array.from(sparseVectorTwin([k, n], w, x, given, range));
            const [xs, plus, scratch] = [place(x), ends ? place(bias) : 0, place(k + 12)];

            const half = k >> 1; // in two panels, the second added to the first
            const rows = sparseRowsOf(w, k, n);
            const y = place(n + 4);
            for (const [from, to] of [
              [0, half],
              [half, k],
            ] as const) {
              const { order, starts, offsets, values } = sparseSlicesOf(rows, from, to);
              kernels.sparseVector(
                ...([n, to - from, put(order), put(starts), put(offsets), place(values)] as const),
                ...([xs + 4 * from, scratch, from === 0 ? plus : y, y] as const),
                ...(to === k ? range : ([-Infinity, Infinity] as const)),
              );
              if (half === 0 && from === 0 && to === k) break;
            }
            expect(read(y, n)).toEqual(expected);
            expect(read(y + 4 * n, 4).every(Number.isNaN)).toBe(true);

            const blocks = sparseBlocksOf(w, k, n);
            const places = put(blocks.columns.map((c) => 4 * c));
            const yBlocks = place(n + 4);
            kernels.blockVector(
              ...([n, put(blocks.starts), places, place(blocks.values), xs, plus, yBlocks] as const),
              ...range,
            );
            expect(read(yBlocks, n)).toEqual(expected);
            expect(read(yBlocks + 4 * n, 4).every(Number.isNaN)).toBe(true);

            const groups = sparseGroupsOf(w, k, n);
            const yGroups = place(n + 4);
            kernels.groupVector(
              ...([n, k, groups.slots, place(groups.values), put(groups.places), put(table)] as const),
              ...([xs, scratch, plus, yGroups, ...range] as const),
            );
            expect(read(yGroups, n)).toEqual(expected);
            expect(read(yGroups + 4 * n, 4).every(Number.isNaN)).toBe(true);
          },
        ),
        { numRuns: 300, seed: 1 },
      );
    });

    it('times several columns equal the twin, by entries and by blocks', async () => {
      const { kernels, memory, place, read, reset } = await bench(build);
      const put = putter(memory, place);
      fc.assert(
        fc.property(
          ...([size(40), size(40), size(90), fc.integer({ min: 1, max: 12 }), fc.nat(999)] as const),
          (k, n, p, every, seed) => {
            reset();
            const w = thinned(wholes(k * n, seed), every, seed + 1);
            const x = wholes(k * p, seed + 2);
            const bias = wholes(n, seed + 3);
            const range = every % 2 === 0 ? ([-3, 6] as const) : ([-Infinity, Infinity] as const);
            const plus = every % 3 === 0 ? 0 : place(bias);
            const given = plus === 0 ? undefined : bias;
            const expected = Float32Array.from(sparseProductTwin([k, n, p], w, x, given, range));
            const ldy = 4 * Math.ceil(p / 4);
            const base = place([...x, 0, 0, 0]);
            const forms = [
              [kernels.sparseProduct, sparseRowsOf(w, k, n)],
              [kernels.blockProduct, sparseBlocksOf(w, k, n)],
            ] as const;
            for (const [product, { starts, columns, values }] of forms) {
              const y = place(4 * Math.ceil(n / 4) * ldy);
              const offsets = put(columns.map((c) => 4 * p * c));
              product(n, p, put(starts), offsets, place(values), base, y, ldy, plus, ...range);
              const rows = read(y, n * ldy);
              for (let o = 0; o < n; o++)
                expect(rows.subarray(o * ldy, o * ldy + p)).toEqual(expected.subarray(o * p, (o + 1) * p));
            }
          },
        ),
        { numRuns: 100, seed: 1 },
      );
    });
  });

  it('let NaN and infinity through only where a weight is', async () => {
    const { kernels, memory, place, read } = await bench();
    const put = putter(memory, place);
    const [k, n] = [9, 20];
    const w = new Float32Array(k * n);
    for (let o = 0; o < n; o++) w[(o % k) * n + o] = 1;
    const x = wholes(k, 5);
    x[2] = NaN;
    x[4] = Infinity;
    const { order, starts, offsets, values } = sparseSlicesOf(sparseRowsOf(w, k, n), 0, k);
    const y = place(n);
    kernels.sparseVector(
      ...([n, k, put(order), put(starts), put(offsets), place(values), place(x)] as const),
      ...([place(k + 12), 0, y, -Infinity, Infinity] as const),
    );
    expect(read(y, n)).toEqual(Float32Array.from({ length: n }, (_, o) => x[o % k]!));
  });

  it('transposes rows and columns of any number', async () => {
    const { kernels, place, read, reset } = await bench();
    const size = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(size, size, (rows, columns) => {
        reset();
        const x = wholes(rows * (columns + 2), 1);
        const y = place(columns * (rows + 1));
        kernels.transpose(rows, columns, place(x), columns + 2, y, rows + 1);
        const turned = read(y, columns * (rows + 1));
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) expect(turned[j * (rows + 1) + i]).toBe(x[i * (columns + 2) + j]);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});

describe('sparsify', () => {
  beforeAll(async () => void (await useBackend('wasm')));

  const thinOut = (model: tf.LayersModel, every: number): tf.LayersModel => {
    model.setWeights(
      model.getWeights().map((w, i) => {
        if (w.rank < 2) return tf.randomNormal(w.shape, 0, 0.1, 'float32', i);
        return tf.tensor(thinned(w.dataSync<'float32'>(), every, i + 1), w.shape);
      }),
    );
    return model;
  };

  /** Odd sizes, padding, dilation, no bias, several activations. */
  const odd = (): tf.LayersModel =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [9, 11, 2],
          filters: 5,
          kernelSize: [3, 2],
          padding: 'same',
          activation: 'relu',
        }),
        tf.layers.conv2d({ filters: 6, kernelSize: 2, dilationRate: 2, useBias: false, activation: 'tanh' }),
        tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 13, activation: 'relu6' }),
        tf.layers.dense({ units: 7, activation: 'softmax' }),
      ],
    });

  it.each([
    ['the Table-1 network', () => tableOneCnn({ seed: 1 }), [28, 28, 1]],
    ['odd layers', odd, [9, 11, 2]],
  ])('predicts as before: %s', async (_, build, shape) => {
    const model = thinOut(build(), 10);
    const start = tf.memory().numTensors;
    const { model: fast, layers, dispose } = await sparsify(model, { batch: [1, 5, 32], repeats: 1 });
    expect(layers.map(({ layer }) => layer)).toEqual(
      model.layers.filter((l) => l.weights.length > 0).map(({ name }) => name),
    );
    for (const batch of [1, 2, 5, 32, 50]) {
      tf.tidy(() => {
        const x = tf.randomNormal([batch, ...shape], 0, 1, 'float32', batch);
        const before = (model.predict(x) as tf.Tensor).dataSync();
        (fast.predict(x) as tf.Tensor)
          .dataSync()
          .forEach((v, i) => expect(Math.abs(v - before[i]!)).toBeLessThan(1e-5));
      });
    }
    dispose();
    expect(tf.memory().numTensors).toBe(start);
    model.dispose();
  });

  it('takes the sparse form where it is faster, and is dense again once weights change', async () => {
    const model = thinOut(
      tf.sequential({ layers: [tf.layers.dense({ inputShape: [1024], units: 1024, activation: 'relu' })] }),
      50,
    );
    const start = tf.memory().numTensors;
    const { model: fast, layers, dispose } = await sparsify(model, { batch: [32] });
    expect(layers[0]!.form).toEqual({ 32: 'rows' }); // 50 times fewer products
    const kernelOf = (m: tf.LayersModel) => m.layers[0]!.weights[0]!.read();
    expect(sparseWeightsOf(kernelOf(fast), 32)).toBeDefined();
    expect(sparseWeightsOf(kernelOf(model), 32)).toBeUndefined();
    tf.tidy(() => fast.setWeights(fast.getWeights().map((w) => tf.onesLike(w))));
    tf.tidy(() => {
      const y = fast.predict(tf.ones([32, 1024])) as tf.Tensor;
      expect([...y.dataSync()].every((v) => v === 1025)).toBe(true);
    });
    dispose();
    expect(tf.memory().numTensors).toBe(start);
    model.dispose();
  });

  it('tells forms apart by a coarse clock, that of a page that is not isolated', async () => {
    const clock = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(clock()));
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 64, inputShape: [64] })] });
    const [kernel, bias] = model.getWeights();
    model.setWeights([tf.tensor(thinned(kernel!.dataSync<'float32'>(), 20, 3), [64, 64]), bias!]);
    const { layers, dispose } = await sparsify(model, { batch: [1], repeats: 3 });
    vi.restoreAllMocks();
    expect(layers[0]!.speedup[1]).toBeGreaterThan(0);
    expect(layers[0]!.speedup[1]).toBeLessThan(Infinity);
    dispose();
    model.dispose();
  });

  it('leaves alone what it has no sparse form of, and says why', async () => {
    const model = odd();
    const { layers, dispose } = await sparsify(model);
    expect(layers.map(({ reason }) => reason)).toEqual(
      layers.map(() => 'more than 0.5 of its weights are left'),
    );
    dispose();
    thinOut(model, 10);
    const thin = await sparsify(model, { repeats: 1 });
    expect(thin.layers.every(({ reason }) => reason === undefined)).toBe(true); // strides as well
    thin.dispose();
    model.dispose();
  });

  it('refuses what it cannot do before it starts', async () => {
    const model = odd();
    await expect(sparsify(model, { batch: [0] })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(sparsify(model, { repeats: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(sparsify(model, { maxDensity: 2 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await useBackend('cpu');
    await expect(sparsify(model)).rejects.toMatchObject({ code: 'unsupported-model' });
    await useBackend('wasm');
    model.dispose();
  });
});

describe('a sparse form in the engine', () => {
  beforeAll(async () => void (await useBackend('wasm')));

  const attached = () => kernelsOf(tf.backend())!;

  it('is a product for every batch, in every form, wide inputs too', () => {
    fc.assert(
      fc.property(
        ...([
          fc.oneof({ weight: 9, arbitrary: size(60) }, { weight: 1, arbitrary: fc.constant(16_390) }),
          size(20),
          size(40),
        ] as const),
        ...([fc.constantFrom('rows', 'blocks', 'groups' as const), fc.nat(999)] as const),
        (k, n, batch, name, seed) => {
          const values = thinned(wholes(k * n, seed), 5, seed + 1);
          const forms = {
            ...{ inputs: k, outputs: n, rows: sparseRowsOf(values, k, n) },
            ...{ blocks: sparseBlocksOf(values, k, n), groups: sparseGroupsOf(values, k, n) },
          };
          tf.tidy(() => {
            const w = tf.tensor2d(values, [k, n]);
            const x = tf.tensor2d(wholes(batch * k, seed + 2), [batch, k]);
            const bias = tf.tensor1d(wholes(n, seed + 3));
            const product = () =>
              tf.fused.matMul({ a: x, b: w, bias, activation: 'relu6' }).dataSync<'float32'>();
            const dense = product();
            const undo = registerSparse(attached(), w, forms, () => name);
            expect(product()).toEqual(dense);
            undo();
          });
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('is a convolution for every stride, dilation and padding, by entries and by blocks', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...{ batch: size(3), height: size(12), width: size(12), channels: size(6), outputs: size(9) },
          ...{ kh: size(3), kw: size(3), sh: size(3), sw: size(3), dh: size(2), dw: size(2) },
          pad: fc.oneof(
            fc.constantFrom('same', 'valid'),
            fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
          ),
          ...{ name: fc.constantFrom('rows', 'blocks'), seed: fc.nat(999) },
        }),
        ({ batch, height, width, channels, outputs, kh, kw, sh, sw, dh, dw, pad, name, seed }) => {
          const dilations = sh * sw === 1 ? ([dh, dw] as const) : ([1, 1] as const);
          fc.pre(height > (kh - 1) * dilations[0] && width > (kw - 1) * dilations[1]);
          const k = kh * kw * channels;
          const values = thinned(wholes(k * outputs, seed), 4, seed + 1);
          const forms = {
            ...{ inputs: k, outputs, rows: sparseRowsOf(values, k, outputs) },
            blocks: sparseBlocksOf(values, k, outputs),
          };
          tf.tidy(() => {
            const filter = tf.tensor4d(values, [kh, kw, channels, outputs]);
            const size4 = [batch, height, width, channels] as const;
            const x = tf.tensor4d(wholes(batch * height * width * channels, seed + 2), [...size4]);
            const bias = tf.tensor1d(wholes(outputs, seed + 3));
            const explicit = typeof pad === 'string' ? pad : paddings(pad);
            const convolution = () =>
              tf.fused
                .conv2d({
                  ...{ x, filter, bias, strides: [sh, sw], pad: explicit, activation: 'relu' },
                  dilations: [...dilations],
                  ...(typeof pad !== 'string' && { dimRoundingMode: 'floor' }),
                })
                .dataSync<'float32'>();
            const dense = convolution();
            const undo = registerSparse(attached(), filter, forms, () => name);
            expect(convolution()).toEqual(dense);
            undo();
          });
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });

  const paddings = ([top, bottom, left, right]: number[]): tf.backend_util.ExplicitPadding => [
    [0, 0],
    [top!, bottom!],
    [left!, right!],
    [0, 0],
  ];

  it('is refused by name where memory ends', () => {
    const w = tf.tensor2d([1], [1, 1]);
    const forms = { inputs: 1, outputs: 1, rows: sparseRowsOf([1], 1, 1) };
    const undo = registerSparse({ ...attached(), allocate: () => 0 }, w, forms, () => 'rows');
    expect(() => sparseWeightsOf(w, 1)!.weights.rows()).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }) as Error,
    );
    undo();
    expect(sparseWeightsOf(w, 1)).toBeUndefined();
    w.dispose();
  });

  it('gives way where a gradient is asked for, and predicts in one go otherwise', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [256], units: 256 })] });
    const w = tf.tensor2d(thinned(wholes(256 * 256, 1), 30, 2), [256, 256]);
    const bias = tf.zeros([256]);
    model.setWeights([w, bias]);
    const { model: fast, dispose } = await sparsify(model, { batch: [1], repeats: 3 });
    const x = tf.tensor2d(wholes(256, 3), [1, 256]);
    const gradient = (m: tf.LayersModel) =>
      tf.tidy(() =>
        tf
          .grad((input: tf.Tensor) => tf.sum(m.apply(input) as tf.Tensor))(x)
          .dataSync(),
      );
    expect(gradient(fast)).toEqual(gradient(model));
    const start = tf.memory().numTensors;
    for (const args of [{}, { batchSize: 1 }]) {
      const [ours, theirs] = [fast, model].map((m) => m.predict(x, args) as tf.Tensor);
      expect(ours!.dataSync()).toEqual(theirs!.dataSync());
      tf.dispose([ours!, theirs!]);
    }
    expect(() => fast.predict(tf.zeros([1, 3]))).toThrow('to have shape');
    expect(tf.memory().numTensors).toBe(start + 1); // the zeros
    dispose();
    tf.dispose([w, bias, x]);
    model.dispose();
  });
});
