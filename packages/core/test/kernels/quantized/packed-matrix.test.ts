import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CODINGS,
  checkPackedMatrix,
  dequantize,
  dequantizeOutputs,
  packCodes,
  packedBytes,
  unpackCodes,
  type Coding,
  type PackedMatrix,
} from '@ockham/core/kernels';
import { fromFloat16Bits, toFloat16 } from '@ockham/core/files';
import { codesOf } from './draw.ts';

const codings = Object.keys(CODINGS) as Coding[];
const size = fc.integer({ min: 0, max: 23 });

describe.each(codings)('a packed matrix of %s', (coding) => {
  it('gives back its codes and stands for scale · (code − zero), whatever its sizes', () => {
    fc.assert(
      fc.property(
        ...([size, size, fc.integer({ min: 1, max: 23 }), fc.nat(999)] as const),
        ...([fc.boolean(), fc.boolean()] as const),
        (outputs, inputs, most, seed, single, asymmetric) => {
          const group = Math.min(most, Math.max(1, inputs));
          const groups = Math.ceil(inputs / group);
          const count = single ? 1 : outputs * groups;
          const values = codesOf(coding, outputs * inputs, seed);
          const scales = toFloat16(Array.from({ length: count }, (_, i) => Math.sin(i + seed) * 1.3));
          const zeros =
            asymmetric && coding.startsWith('int')
              ? Uint8Array.from({ length: count }, (_, i) => i * 37 + seed)
              : undefined;
          const sizes = { coding, outputs, inputs, group, scales };
          const packed = packCodes(values, { ...sizes, ...(zeros && { zeros }) });
          expect(unpackCodes(packed)).toEqual(values);
          const patterns = CODINGS[coding].values;
          const expected = [...values].map((code, i) => {
            const o = Math.floor(i / inputs);
            const at = single ? 0 : o * groups + Math.floor((i - o * inputs) / group);
            const number = patterns ? patterns[code < 0 ? code + 256 : code]! : code;
            return fromFloat16Bits(scales[at]!) * (number - (zeros ? zeros[at]! - 128 : 0));
          });
          expect([...dequantize(packed)].map((v) => v + 0)).toEqual(expected.map((v) => v + 0)); // −0 is 0
          if (outputs > 0) {
            const which = [seed % outputs, 0, outputs - 1];
            const rows = which.flatMap((o) => expected.slice(o * inputs, (o + 1) * inputs));
            expect([...dequantizeOutputs(packed, which)].map((v) => v + 0)).toEqual(rows.map((v) => v + 0));
          }
          const bits = { ternary: 8 / 5, binary: 1 }[coding as string] ?? Number(/\d/.exec(coding)![0]);
          const row = Math.ceil((inputs * bits) / 8 - 1e-9);
          expect(packedBytes(packed)).toBe(outputs * row + count * 2 + (zeros ? count : 0));
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe('packing', () => {
  const one = toFloat16([1]);
  const bytes = (coding: Coding, values: number[]) => [
    ...packCodes(Int8Array.from(values), { coding, outputs: 1, inputs: values.length, scales: one }).codes,
  ];

  it('puts the first codes into the low bits', () => {
    expect(bytes('int8', [1, -1])).toEqual([0x01, 0xff]);
    expect(bytes('int4', [1, -1, 7])).toEqual([0xf1, 0x07]);
    expect(bytes('int3', [1, -1, 3, -4])).toEqual([0b11_111_001, 0b100_0]);
    expect(bytes('int2', [1, -1, -2, 0, 1])).toEqual([0b00_10_11_01, 1]);
    expect(bytes('ternary', [-1, 0, 1, 1, -1, 1])).toEqual([0 + 3 + 2 * 9 + 2 * 27, 2]);
    expect(bytes('binary', [1, -1, 1, 1, -1, -1, -1, 1, 1])).toEqual([0b10001101, 1]);
    expect(bytes('fp4-e2m1', [15, 1])).toEqual([0x1f]);
  });

  it('knows the small floating-point numbers', () => {
    expect([...CODINGS['fp4-e2m1'].values!].slice(0, 8)).toEqual([0, 0.5, 1, 1.5, 2, 3, 4, 6]);
    const [e4m3, e5m2] = [CODINGS['fp8-e4m3'].values!, CODINGS['fp8-e5m2'].values!];
    expect([e4m3[1], e4m3[0x38], e4m3[0x7e], e4m3[0xfe], e4m3[0x7f]]).toEqual([2 ** -9, 1, 448, -448, NaN]);
    expect([e5m2[1], e5m2[0x3c], e5m2[0x7b], e5m2[0x7c], e5m2[0xff]]).toEqual([
      ...[2 ** -16, 1, 57344, Infinity, NaN],
    ]);
  });

  it('refuses codes that a coding has not, and parts that do not fit', () => {
    const pack =
      (coding: Coding, value: number, more: object = {}) =>
      () =>
        packCodes(Int8Array.of(value), { coding, outputs: 1, inputs: 1, scales: one, ...more });
    const good: PackedMatrix = pack('int4', 1)();
    const check = (part: object) => () => checkPackedMatrix('open', { ...good, ...part });
    const wrong = [
      ...[pack('int4', 8), pack('int4', -9), pack('int3', 4), pack('int2', 2), pack('int2', -3)],
      ...[pack('ternary', 2), pack('binary', 0), pack('fp4-e2m1', -1), pack('fp4-e2m1', 16)],
      ...[
        pack('fp8-e4m3', 0x7f),
        pack('fp8-e4m3', -1),
        pack('fp8-e5m2', 0x7c),
        pack('int8', 1, { group: 2 }),
      ],
      ...[pack('int5' as Coding, 1), pack('toString' as Coding, 1), pack('int8', 1, { inputs: 2 })],
      ...[pack('int8', 1, { group: 0 }), pack('int8', 1, { scales: new Uint16Array(2) })],
      ...[pack('int8', 1, { scales: toFloat16([Infinity]) }), pack('int8', 1, { scales: toFloat16([NaN]) })],
      ...[pack('binary', 1, { zeros: new Uint8Array(1) }), pack('int8', 1, { zeros: new Uint8Array(2) })],
      ...[pack('int8', 1, { outputs: -1 }), pack('int8', 1, { inputs: 0.5 })],
      ...[check({ codes: new Uint8Array(2) }), check({ coding: 'ternary', codes: Uint8Array.of(243) })],
      ...[() => dequantizeOutputs(good, [1]), () => dequantizeOutputs(good, [-1])],
      ...[() => dequantizeOutputs(good, [0.5]), () => dequantizeOutputs(good, [NaN])],
      ...[check({ group: 1.5 }), check({ scales: new Float32Array(1) })],
    ];
    for (const call of wrong)
      expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
    expect(pack('int4', 8)).toThrow('must be an integer in [-8, 7], got 8 at output 0, input 0');
    expect(check({})).not.toThrow();
  });
});
