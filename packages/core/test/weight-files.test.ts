import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import type { NamedArray } from '@ockham/core/files';
import {
  fromBfloat16,
  gunzip,
  gzip,
  readNpy,
  readNpz,
  readSafetensors,
  readSafetensorsMetadata,
  sha256,
  toBfloat16,
  writeSafetensors,
} from '@ockham/core/files';

const fixture = async (name: string) => readFile(new URL(`fixtures/weights/${name}`, import.meta.url));

const corrupt = expect.objectContaining({ code: 'corrupt-file' });

// The values that fixtures/weights/make.py prints into both files.
const ramp = Float32Array.from({ length: 6 }, (_, i) => Math.fround(Math.fround(i / 7) - 0.25));
const expected: Record<string, NamedArray> = {
  f32: { shape: [2, 3], values: ramp },
  f16: {
    shape: [2, 3],
    values: Float32Array.of(
      -0.25,
      -0.10711669921875,
      0.03570556640625,
      0.1785888671875,
      0.321533203125,
      0.46435546875,
    ),
  },
  f64: { shape: [2, 3], values: Float64Array.from(ramp) },
  i64: { shape: [2], values: BigInt64Array.of(-(2n ** 53n) - 1n, 2n ** 62n) },
  i32: { shape: [2], values: Int32Array.of(-7, 7) },
  u8: { shape: [2, 1], values: Uint8Array.of(0, 255) },
  bool: { shape: [3], values: Uint8Array.of(1, 0, 1) },
  scalar: { shape: [], values: Float32Array.of(3.5) },
  empty: { shape: [0, 4], values: new Float32Array(0) },
};

describe('readSafetensors', () => {
  it('reads what the reference library wrote, every type', async () => {
    const arrays = readSafetensors(await fixture('arrays.safetensors'));
    const bf16 = Float32Array.of(-0.25, -0.10693359375, 0.03564453125, 0.1787109375, 0.322265625, 0.46484375);
    expect(Object.fromEntries(arrays)).toStrictEqual({ ...expected, bf16: { shape: [2, 3], values: bf16 } });
  });

  it('refuses every truncation', async () => {
    const bytes = await fixture('arrays.safetensors');
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(corrupt);
    }
  });

  it.each([
    ['an end beyond the file', '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4],
    ['a shape that needs more bytes', '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4],
    ['a negative position', '{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}', 4],
    [
      'an overlap',
      '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
      2,
    ],
    [
      'a hole',
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
      3,
    ],
    ['bytes that no array holds', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 3],
    ['an unknown type', '{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1],
    ['a fractional dimension', '{"a":{"dtype":"U8","shape":[0.5],"data_offsets":[0,1]}}', 1],
    ['a record that is none', '{"a":null}', 0],
    ['a list for a header', '[]', 0],
    ['a header that is no JSON', '{"a":', 0],
  ])('refuses %s', (_, header, dataBytes) => {
    const json = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + json.length + dataBytes);
    bytes[0] = json.length;
    bytes.set(json, 8);
    expect(() => readSafetensors(bytes, 'model.safetensors')).toThrow(
      expect.objectContaining({
        code: 'corrupt-file',
        message: expect.stringMatching(/^model\.safetensors: /),
      }),
    );
  });
});

describe('writeSafetensors', () => {
  it('is read back to the bit', () => {
    const arrays = new Map(Object.entries(expected));
    const tagged = writeSafetensors(arrays, { metadata: { format: 'pt' } });
    expect(readSafetensors(tagged)).toStrictEqual(arrays);
    expect(readSafetensorsMetadata(tagged)).toEqual({ format: 'pt' });
    expect(readSafetensorsMetadata(writeSafetensors(arrays))).toEqual({});
  });

  it('writes floats as float16 and bfloat16 on request, as NumPy rounds them', async () => {
    const reference = readSafetensors(await fixture('arrays.safetensors'));
    const f32 = new Map([['f32', expected.f32!]]);
    expect(readSafetensors(writeSafetensors(f32, { float: 'F16' })).get('f32')).toEqual(reference.get('f16'));
    expect(readSafetensors(writeSafetensors(f32, { float: 'BF16' })).get('f32')).toEqual(
      reference.get('bf16'),
    );
  });

  it('refuses a shape that does not fit', () => {
    const wrong = new Map([['w', { shape: [2, 2], values: Float32Array.of(1) }]]);
    expect(() => writeSafetensors(wrong)).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringContaining('needs 4 values'),
      }),
    );
  });
});

describe('bfloat16', () => {
  it('is never farther than the neighbouring patterns, and keeps NaN', () => {
    const largest = fromBfloat16(Uint16Array.of(0x7f7f))[0]!;
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -largest, max: largest }), (value) => {
        const [bits] = toBfloat16(Float32Array.of(value));
        const at = (pattern: number) => fromBfloat16(Uint16Array.of(pattern))[0]!;
        const error = Math.abs(at(bits!) - value);
        for (const neighbour of [at(bits! - 1), at(bits! + 1)]) {
          if (Number.isFinite(neighbour)) expect(error).toBeLessThanOrEqual(Math.abs(neighbour - value));
        }
      }),
    );
    expect(fromBfloat16(toBfloat16(new Float32Array(Uint32Array.of(0x7f800001).buffer)))[0]).toBeNaN();
  });
});

describe('readNpz', () => {
  it('reads what NumPy wrote, every type and column-major order', async () => {
    const arrays = await readNpz(await fixture('arrays.npz'));
    const { fortran, ...others } = Object.fromEntries(arrays);
    expect(others).toStrictEqual(expected);
    expect(fortran).toStrictEqual({ shape: [2, 3, 4], values: Int32Array.from({ length: 24 }, (_, i) => i) });
  });

  it('reads a compressed archive, names with dots included', async () => {
    const arrays = await readNpz(await fixture('arrays-compressed.npz'));
    expect([...arrays.keys()]).toEqual(['conv1.weight']);
    expect(arrays.get('conv1.weight')).toStrictEqual({ shape: [64, 3], values: new Float32Array(192) });
  });

  it('refuses a changed value by its CRC-32', async () => {
    const bytes = await fixture('arrays.npz');
    const values = new Uint8Array(ramp.buffer);
    const at = bytes.findIndex((_: number, i: number) => values.every((byte, k) => bytes[i + k] === byte));
    bytes[at + 5]! ^= 4;
    await expect(readNpz(bytes, 'resnet.npz')).rejects.toMatchObject({
      code: 'corrupt-file',
      message: expect.stringMatching(/^resnet\.npz: /),
    });
  });

  it('refuses truncations and what is no archive', async () => {
    const bytes = await fixture('arrays.npz');
    for (const length of [0, 3, 100, bytes.length >> 1, bytes.length - 30]) {
      await expect(readNpz(bytes.subarray(0, length)), `${length} bytes`).rejects.toThrow(corrupt);
    }
    await expect(readNpz(new TextEncoder().encode('no archive'))).rejects.toThrow(corrupt);
  });
});

describe('readNpy', () => {
  const npy = (descr: string, shape: string, dataBytes: number) => {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + '\n';
    const bytes = new Uint8Array(128 + dataBytes);
    bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, 118, 0]);
    bytes.set(new TextEncoder().encode(header), 10);
    return bytes;
  };

  it('reads a hand-made header', async () => {
    expect(await readNpy(npy('<f4', '(2,)', 8))).toStrictEqual({ shape: [2], values: new Float32Array(2) });
  });

  it.each([
    ['too few values', npy('<f4', '(3,)', 8)],
    ['too many values', npy('<f4', '(1,)', 8)],
    ['complex numbers', npy('<c8', '(1,)', 8)],
    ['texts', npy('<U1', '(2,)', 8)],
    ['big-endian numbers', npy('>f4', '(2,)', 8)],
    ['half a number', npy('<f4', '(2,)', 7)],
    ['another file', new TextEncoder().encode('hello, world')],
    ['an empty file', new Uint8Array(0)],
  ])('refuses %s', async (_, bytes) => {
    await expect(readNpy(bytes)).rejects.toThrow(corrupt);
  });
});

describe('gzip and gunzip', () => {
  it('give the bytes back', async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 7);
    for (const part of [bytes, bytes.subarray(7, 99), new Uint8Array(0)]) {
      expect(await gunzip(await gzip(part))).toEqual(part.slice());
    }
  });

  it('refuse a truncated, an altered and a foreign file', async () => {
    const whole = await gzip(new Uint8Array(5000).fill(3));
    const altered = whole.slice();
    altered[whole.length - 6]! ^= 1; // the CRC-32
    for (const bytes of [
      whole.subarray(0, -1),
      whole.subarray(0, 12),
      altered,
      Uint8Array.of(1, 2, 3),
      new Uint8Array(0),
    ]) {
      await expect(gunzip(bytes, 'x.gz')).rejects.toMatchObject({
        code: 'corrupt-file',
        message: expect.stringMatching(/^x\.gz: /),
      });
    }
  });
});

describe('sha256', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1

  it('gives the digest of the standard', async () => {
    expect(await sha256(new TextEncoder().encode('abc'))).toBe(abc);
  });

  it('gives the same in a page without HTTPS, where WebCrypto is missing', async () => {
    vi.stubGlobal('crypto', {});
    try {
      expect(await sha256(new TextEncoder().encode('abc'))).toBe(abc);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
