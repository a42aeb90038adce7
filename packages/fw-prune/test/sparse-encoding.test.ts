import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSparse, encodeSparse, type SparseFormat } from '../src/sparse-encoding.ts';

const formats: SparseFormat[] = ['dense', 'bitmap', 'csr', 'gaps'];
const bitsOf = (values: Float32Array) => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.length),
];

/** A matrix of any sparsity, with −0, NaN, infinities and subnormals among its values. */
const matrices = fc
  .tuple(
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: 1, max: 400 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .chain(([rows, columns, density]) =>
    fc.record({
      columns: fc.constant(columns),
      values: fc
        .array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.float()), {
          minLength: rows * columns,
          maxLength: rows * columns,
        })
        .map((entries) => Float32Array.from(entries, ([u, v]) => (u < density * density ? v : 0))),
    }),
  );

describe.each(formats)('the %s encoding', (format) => {
  it('gives every bit back', () => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const again = decodeSparse(encodeSparse(values, columns, format), values.length, columns);
        expect(bitsOf(again)).toEqual(bitsOf(values));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps −0, NaN and a run of zeros of any length', () => {
    for (const zeros of [0, 1, 253, 254, 255, 256, 508, 509, 1000]) {
      const values = new Float32Array(zeros + 3);
      values[zeros] = -0;
      values[zeros + 1] = NaN;
      const again = decodeSparse(encodeSparse(values, 1, format), values.length, 1);
      expect(bitsOf(again)).toEqual(bitsOf(values));
    }
  });
});

it('takes the bytes that a hand count gives', () => {
  const values = new Float32Array(600); // 2 rows of 300
  values[0] = 1;
  values[299] = 2;
  values[599] = 3;
  expect(encodeSparse(values, 300, 'bitmap').index).toHaveLength(75);
  expect(encodeSparse(values, 300, 'csr').index).toHaveLength(2 * (2 + 3)); // 2 counts and 3 columns, 2 bytes each
  expect([...encodeSparse(values, 300, 'gaps').index]).toEqual([0, 255, 44, 255, 45]);
  expect([...encodeSparse(values, 300, 'gaps').values]).toEqual([1, 2, 3]);
});

it('refuses an index that does not fit the tensor', () => {
  const values = Float32Array.of(0, 5, 0, 7);
  for (const format of ['bitmap', 'csr', 'gaps'] as const) {
    const encoding = encodeSparse(values, 2, format);
    expect(() => decodeSparse(encoding, 2, 2)).toThrow(RangeError);
    expect(() => decodeSparse({ ...encoding, values: encoding.values.slice(1) }, 4, 2)).toThrow(RangeError);
  }
});
