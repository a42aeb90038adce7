import type { CommArray, CommType, ReduceOp } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SharedJob } from '../../src/comm/shared/job.ts';

const types = ['float32', 'float64', 'int32', 'uint8'] as const;
const ops = ['sum', 'mean', 'max', 'min'] as const;
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
const extremes = [0, -0, 1, -1, NaN, Infinity, -Infinity, 3e38, 1e308, 5e-324, 1e-40, 2 ** 31 - 1, -(2 ** 31), 255, 128]; // prettier-ignore

const PAGES = 32;
const start = { rank: 0, size: 2, deadline: 1000, ownCore: false };
const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true });
const jobs = [
  ['SIMD', new SharedJob('threads', memory, start)],
  ['plain', new SharedJob('processes', new SharedArrayBuffer(65536 * PAGES), start)],
] as const;
const [POINTERS, SCRATCH, FIRST] = [0x80000, 0x81000, 0x90000];

/** One element at a time, in the order of the ranks, rounded and wrapped as the type does after every step. */
function reduced(type: CommType, op: ReduceOp, given: readonly CommArray[]): CommArray {
  const cell = new arrays[type](1);
  const stored = (value: number): number => {
    cell[0] = value;
    return cell[0];
  };
  const isFloat = type.startsWith('float');
  return new arrays[type](given[0]!.length).map((_: number, i: number) => {
    const values = given.map((x) => x[i]!);
    if (op === 'max') return values.reduce((a, b) => Math.max(a, b));
    if (op === 'min') return values.reduce((a, b) => Math.min(a, b));
    if (op === 'mean' && !isFloat)
      return Number(values.reduce((a, b) => a + BigInt(b), 0n) / BigInt(given.length));
    const sum = values.reduce((a, b) => stored(a + b));
    return op === 'mean' ? stored(sum / given.length) : sum;
  });
}

const cases = fc.record({
  type: fc.constantFrom(...types),
  op: fc.constantFrom(...ops),
  ranks: fc.integer({ min: 1, max: 5 }),
  // a pass takes 64 bytes at a time, and sums of more than two 4,096
  length: fc.oneof({ weight: 9, arbitrary: fc.nat(70) }, { weight: 1, arbitrary: fc.nat(5000) }),
  /** Elements from one array's place to a multiple of 64. */
  shifts: fc.array(fc.nat(20), { minLength: 8, maxLength: 8 }),
  /** Ranks whose arrays are written, and how many others are. */
  inPlace: fc.uniqueArray(fc.nat(4), { maxLength: 5 }),
  apart: fc.nat(2),
  seed: fc.nat(1e6),
  special: fc.boolean(),
});

it.each(jobs)('%s reductions are those of a plain loop: every type, length, offset and value', (_, job) => {
  fc.assert(
    fc.property(cases, ({ type, op, ranks, length, shifts, inPlace, apart, seed, special }) => {
      const one = arrays[type].BYTES_PER_ELEMENT;
      const random = new Random(seed);
      let next = FIRST;
      const place = (shift: number): number => {
        const at = next + shift * one;
        next = 64 * Math.ceil((at + one * (length + 8)) / 64);
        return at;
      };
      const value = (): number =>
        special && random.uniform() < 0.3
          ? extremes[random.integer(extremes.length)]!
          : type === 'uint8'
            ? random.integer(256)
            : type === 'int32'
              ? Math.round(random.normal(0, 2 ** 30))
              : random.normal(0, 10);
      const from = Array.from({ length: ranks }, (_rank, r) => place(shifts[r]!));
      const to = inPlace.filter((r) => r < ranks).map((r) => from[r]!);
      for (let t = 0; t < apart || to.length === 0; t++) to.push(place(shifts[5 + t]!));
      const bytes = job.bytes(FIRST, next - FIRST).fill(0xa5);
      const given = from.map((at) => {
        const x = job.view(type, at, length);
        for (let i = 0; i < length; i++) x[i] = value();
        return x.slice();
      });
      const wanted = reduced(type, op, given);
      const expected = bytes.slice(); // with what is written, and nothing beside it
      for (const at of to) expected.set(new Uint8Array(wanted.buffer as ArrayBuffer), at - FIRST);
      job.reduce(type, op, from, one * length, to, POINTERS, SCRATCH);
      for (const at of to) expect(job.view(type, at, length).slice()).toEqual(wanted);
      for (const at of to) job.view(type, at, length).set(wanted); // a NaN has many forms
      expect(Buffer.compare(bytes, expected)).toBe(0);
    }),
    { numRuns: 700, seed: 17 },
  );
});
