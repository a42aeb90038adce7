import fc from 'fast-check';
import { Buffer } from 'node:buffer';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '@ockham/core/files';
import type { Snapshot } from '@ockham/core/training';
import { crc32 } from '../src/files/crc32.ts';

const bytesOf = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();

const anyBytes = (unit: number) =>
  fc.uint8Array({ maxLength: 9 * unit }).map((bytes) => bytes.slice(0, bytes.length - (bytes.length % unit)));

const anyArray = fc.oneof(
  anyBytes(4).map((bytes) => new Float32Array(bytes.buffer)),
  anyBytes(8).map((bytes) => new Float64Array(bytes.buffer)),
  anyBytes(4).map((bytes) => new Int32Array(bytes.buffer)),
  anyBytes(1),
);

const anyMeta = fc.dictionary(
  fc.string().filter((key) => key !== '$number' && key !== '__proto__'),
  fc.jsonValue({ depthSize: 'small' }) as fc.Arbitrary<unknown>,
);

const sample: Snapshot = {
  meta: { step: 3, best: Infinity, loss: NaN, zero: -0, names: ['a', 'ä'] },
  arrays: {
    'dense/kernel': Float32Array.of(1, -0, NaN, Infinity),
    empty: new Float64Array(0),
    order: Int32Array.of(-1, 2),
    mask: Uint8Array.of(1, 0, 1),
  },
};

/** A NaN in as many lists. */
function nested(levels: number): unknown {
  return levels === 0 ? NaN : [nested(levels - 1)];
}

describe('encodeSnapshot and decodeSnapshot', () => {
  it('give back what went in, numbers that JSON cannot write included', () => {
    const { meta, arrays } = decodeSnapshot(encodeSnapshot(sample));
    expect(meta).toStrictEqual(sample.meta);
    expect(arrays).toStrictEqual(sample.arrays);
    expect(Object.keys(arrays)).toEqual(Object.keys(sample.arrays));
  });

  it('give every bit back, whatever the arrays hold', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), anyArray), anyMeta, (arrays, meta) => {
        const back = decodeSnapshot(encodeSnapshot({ meta, arrays }));
        expect(JSON.stringify(back.meta)).toBe(JSON.stringify(meta));
        expect(Object.keys(back.arrays).sort()).toEqual(Object.keys(arrays).sort());
        for (const [name, array] of Object.entries(arrays)) {
          expect(back.arrays[name]!.constructor).toBe(array.constructor);
          expect(bytesOf(back.arrays[name]!)).toEqual(bytesOf(array));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keep a NaN with its payload', () => {
    const payload = new Float32Array(Uint32Array.of(0x7fc12345, 0xffc00001).buffer);
    const { arrays } = decodeSnapshot(encodeSnapshot({ meta: {}, arrays: { payload } }));
    expect(bytesOf(arrays.payload!)).toEqual(bytesOf(payload));
  });

  it('write the view of an array and not its whole buffer', () => {
    const view = new Float32Array(8).fill(5).subarray(3, 5);
    const { arrays } = decodeSnapshot(encodeSnapshot({ meta: {}, arrays: { view } }));
    expect(arrays.view).toEqual(Float32Array.of(5, 5));
  });

  it('read from bytes at an odd place in a larger buffer', () => {
    const bytes = encodeSnapshot(sample);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeSnapshot(shifted.subarray(3)).arrays).toStrictEqual(sample.arrays);
  });

  it('read a Buffer, whose slices are views, into arrays of their own', () => {
    const { arrays } = decodeSnapshot(Buffer.from(encodeSnapshot(sample)));
    expect(arrays).toStrictEqual(sample.arrays);
    expect(arrays.mask!.buffer.byteLength).toBe(3);
  });

  it('refuse one changed byte, wherever it is', () => {
    const bytes = encodeSnapshot(sample);
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 1 << (at % 8);
      expect(() => decodeSnapshot(altered, 'run.ockham'), `byte ${at}`).toThrow(
        expect.objectContaining({
          code: 'corrupt-file',
          message: expect.stringMatching(/^run\.ockham: .*delete it/),
        }),
      );
    }
  });

  it('refuse every truncation', () => {
    const bytes = encodeSnapshot(sample);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSnapshot(bytes.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'corrupt-file' }),
      );
    }
  });

  it('refuse a newer version by that name', () => {
    const bytes = encodeSnapshot(sample);
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 2, true);
    view.setUint32(bytes.length - 4, zlibCrc32(bytes.subarray(0, -4)), true);
    expect(() => decodeSnapshot(bytes)).toThrow(
      expect.objectContaining({
        code: 'checkpoint-mismatch',
        message: expect.stringContaining('version 1, got 2'),
      }),
    );
  });

  it.each([
    ['a typed array', { a: { b: Float32Array.of(1) } }, 'meta.a.b'],
    ['a function', { f: () => 1 }, 'meta.f'],
    ['undefined in a list', { list: [1, undefined] }, 'meta.list[1]'],
    ['a date', { when: new Date(0) }, 'meta.when'],
    ['a big integer', { n: 1n }, 'meta.n'],
    ['the reserved key', { $number: 'NaN' }, 'meta '],
    ['a key that no reader of JSON should take', { a: JSON.parse('{"__proto__":[]}') }, 'meta.a '],
    ['nesting that reading would refuse', { a: nested(198) }, 'deeper than 198'],
  ])('refuse %s in meta, naming where it is', (_, meta, where) => {
    expect(() => encodeSnapshot({ meta, arrays: {} })).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(where) }),
    );
  });

  it('give the deepest meta back that they write', () => {
    const meta = { a: nested(197) };
    expect(decodeSnapshot(encodeSnapshot({ meta, arrays: {} })).meta).toStrictEqual(meta);
  });

  it('refuse a cycle in meta and an array of another type', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(() => encodeSnapshot({ meta: cycle, arrays: {} })).toThrow(/one of its parents/);
    const arrays = { a: Int16Array.of(1) } as unknown as Snapshot['arrays'];
    expect(() => encodeSnapshot({ meta: {}, arrays })).toThrow(/'a' must be one of Float32Array/);
  });
});

describe('crc32', () => {
  it('agrees with zlib', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
  });
});
