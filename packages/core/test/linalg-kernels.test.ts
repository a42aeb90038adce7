import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { Random } from '@ockham/core/random';
import { addProduct, block, transposed } from '../src/linalg/add-product.ts';
import { allocate, copyIn, kernelsOf, withArena } from '../src/linalg/arena.ts';
import { product } from '../src/linalg/product.ts';
import { addOuter, addRows, rotateRows, rowsTimesVector } from '../src/linalg/row-products.ts';
import { gaussian } from './linalg-matrices.ts';

afterEach(() => vi.unstubAllGlobals());

const seed = fc.nat();
const upTo = (max: number) => fc.integer({ min: 0, max });
const alpha = fc.constantFrom(1, -1, 0.3);

function normal(length: number, random: Random): Float64Array {
  return Float64Array.from({ length }, () => random.normal());
}

/** What `work` leaves in the arrays it is given, in the memory of the kernels and in ordinary ones. */
function both(
  arrays: readonly Float64Array[],
  work: (...arrays: Float64Array[]) => void,
): [Float64Array[], Float64Array[]] {
  const plain = arrays.map((array) => array.slice());
  work(...plain);
  const fast = withArena(
    arrays.reduce((sum, { length }) => sum + length, 0),
    () => {
      const inside = arrays.map(copyIn);
      expect(kernelsOf(inside[0]!, inside[1]!, inside.at(-1)!)).toBeDefined();
      expect(inside.every(({ buffer }) => buffer === inside[0]!.buffer)).toBe(true);
      work(...inside);
      return inside.map((array) => array.slice());
    },
  );
  return [fast, plain];
}

it('products of rows in WebAssembly equal the plain ones to the bit, and touch nothing else', () => {
  fc.assert(
    fc.property(upTo(21), upTo(70), upTo(3), upTo(3), alpha, seed, (count, length, gap, offset, a, s) => {
      const random = new Random(s);
      const stride = length + gap;
      const rows = normal(offset + (count + 1) * stride + 1, random);
      const arrays = [rows, normal(offset + length + 1, random), normal(offset + 2 * count + 3, random)];
      for (const work of [
        (r, x, out) => rowsTimesVector(r, offset, stride, count, x, offset, length, out, offset),
        (r, y, w) => addRows(r, offset, stride, count, a, w, offset, 2, y, offset, length),
        (r, x, w) => addOuter(r, offset, stride, count, a, w, offset, x, offset, length),
      ] satisfies ((...arrays: [Float64Array, Float64Array, Float64Array]) => void)[]) {
        const [fast, plain] = both(arrays, work);
        expect(fast).toEqual(plain);
      }
    }),
    { numRuns: 200 },
  );
});

it('turned rows are the same to the bit in WebAssembly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 30, max: 90 }), upTo(3), seed, (length, offset, s) => {
      const random = new Random(s);
      const values = normal(offset + 2 * length + 2, random);
      const [c, t] = [random.normal(), random.normal()];
      const [fast, plain] = both([values, values], (x) =>
        rotateRows(x, offset, offset + length + 1, length, c, t),
      );
      expect(fast).toEqual(plain);
    }),
  );
});

it('a product added to a block is the same to the bit in WebAssembly, whatever is transposed', () => {
  const size = fc.oneof({ arbitrary: upTo(20), weight: 3 }, fc.constantFrom(63, 64, 65, 257, 300));
  fc.assert(
    fc.property(
      fc.tuple(size, size, size),
      fc.boolean(),
      fc.boolean(),
      alpha,
      upTo(3),
      seed,
      ([m, n, k], turnA, turnB, a, offset, s) => {
        const random = new Random(s);
        const gap = offset; // between rows
        const at = (rows: number, columns: number) =>
          normal(offset + rows * (columns + gap) + offset, random);
        const A = turnA ? at(k, m) : at(m, k);
        const B = turnB ? at(n, k) : at(k, n);
        const [fast, plain] = both([A, B, at(m, n)], (x, y, z) => {
          const left = turnA ? transposed(block(x, offset, m + gap)) : block(x, offset, k + gap);
          const right = turnB ? transposed(block(y, offset, k + gap)) : block(y, offset, n + gap);
          addProduct(m, n, k, a, left, right, z, offset, n + gap);
        });
        expect(fast).toEqual(plain);
      },
    ),
    { numRuns: 60 },
  );
});

it('keeps the sign of zero and carries NaN and infinity as the plain product does', () => {
  const a = Float64Array.of(-1, 0, Infinity, 2, NaN, 1);
  const b = Float64Array.of(0, 3, 0, -1, -0, 1);
  const [fast, plain] = both([a, b, new Float64Array(4).fill(-0)], (x, y, z) =>
    addProduct(2, 2, 3, 1, block(x, 0, 3), block(y, 0, 2), z, 0, 2),
  );
  expect(fast).toEqual(plain);
  const single = [Float64Array.of(-1), Float64Array.of(0), Float64Array.of(-0)];
  const [zero, plainZero] = both(single, (x, y, z) =>
    addProduct(1, 1, 1, -1, block(x, 0, 1), block(y, 0, 1), z, 0, 1),
  );
  expect(zero).toEqual(plainZero);
  expect(Object.is(zero[2]![0], -0)).toBe(true);
});

it('a product larger than the blocks that are copied equals the one of whole matrices', () => {
  const [m, n, k] = [1030, 3, 1100];
  const a = gaussian(k, m, 1).values;
  const b = gaussian(n, k, 2).values;
  const got = product(m, n, k, transposed(block(a, 0, m)), transposed(block(b, 0, k)));
  const wanted = new Float64Array(m * n);
  addProduct(m, n, k, 1, transposed(block(a, 0, m)), transposed(block(b, 0, k)), wanted, 0, n);
  expect(got).toEqual(wanted);
});

it('the arena is free again after a call, also one that throws, and gives what is too large back', () => {
  const first = () => withArena(100, () => allocate(100).fill(7));
  const start = first().byteOffset;
  expect(() =>
    withArena(100, () => {
      withArena(50, () => allocate(50));
      expect(allocate(10).byteOffset).toBe(start);
      throw new Error('stopped');
    }),
  ).toThrow('stopped');
  expect(first().byteOffset).toBe(start);
  expect(withArena(100, () => allocate(100).every((value) => value === 0))).toBe(true);

  const { buffer } = first();
  expect(withArena(1e7, () => allocate(1e7)).length).toBe(1e7);
  expect(first().buffer).not.toBe(buffer);
  expect(first().buffer.byteLength).toBeLessThan(2 ** 23);
});

it('arrays are ordinary ones where none was asked for, or where the memory does not reach', () => {
  expect(allocate(5).buffer.byteLength).toBe(40);
  withArena(1e3, () => {
    const far = allocate(2e6);
    expect(far.buffer.byteLength).toBe(16e6);
    expect(kernelsOf(far, far, far)).toBeUndefined();
    expect(allocate(10).buffer.byteLength).toBeGreaterThan(80);
  });
});

it('decompositions are the same to the bit where WebAssembly has no SIMD', async () => {
  const results = async (): Promise<unknown> => {
    vi.resetModules();
    const { cholesky, eigh, lstsq, matrix, multiply, qr, singularValues, svd, solveTriangular } =
      await import('@ockham/core/linalg');
    return [
      [90, 70],
      [67, 67],
      [40, 130],
    ].map(([m, n]) => {
      const a = matrix(m!, n!, gaussian(m!, n!, m!).values);
      const gram = multiply(a, a, { transposeB: true });
      for (let i = 0; i < m!; i++) gram.values[i * (m! + 1)]! += 1;
      const l = cholesky(gram);
      const b = matrix(m!, 3, gaussian(m!, 3, 5).values);
      return [
        svd(a),
        singularValues(a),
        qr(a),
        eigh(gram),
        l,
        lstsq(a, b),
        solveTriangular(l, b, { lower: true }),
      ];
    });
  };
  const fast = await results();
  let tried = 0;
  const Module = function (): never {
    tried++;
    throw new WebAssembly.CompileError('no SIMD');
  };
  vi.stubGlobal('WebAssembly', Object.assign(Object.create(WebAssembly) as object, { Module }));
  const plain = await results();
  expect(tried).toBeGreaterThan(0);
  expect(plain).toEqual(fast);
});
