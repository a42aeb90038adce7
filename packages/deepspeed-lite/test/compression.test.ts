import { simulate } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compressedMean,
  flatLayout,
  oneBitAdam,
  scaledSign,
  topK,
  zeroOneAdam,
  zeroOneSchedule,
} from '../src/index.ts';
import { signChunk } from '../src/optimizers/signs.ts';
import { allReduceBytes, layoutOn, P, run } from './compressed-runs.ts';

const vectors = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
  minLength: 1,
  maxLength: 40,
});
const square = (x: ArrayLike<number>) => Array.from(x).reduce((sum, v) => sum + v * v, 0);

describe.each([scaledSign(), topK(0.1), topK(1)])('the compressor $name', (compressor) => {
  it('keeps its contract ‖C(x) − x‖² ≤ (1 − δ)‖x‖²', () => {
    fc.assert(
      fc.property(vectors, (numbers) => {
        const x = Float32Array.from(numbers);
        const message = new Uint8Array(compressor.bytes(x.length));
        compressor.compress(x, message);
        const back = new Float64Array(x.length);
        expect(compressor.add(message, back)).toBe(true);
        const error = square(back.map((c, i) => c - x[i]!));
        expect(error).toBeLessThanOrEqual((1 - compressor.delta(x.length)) * square(x) + 1e-6 * square(x));
      }),
    );
  });

  it('says so when a value is not finite', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const x = new Float32Array([1, bad, 2]);
      const message = new Uint8Array(compressor.bytes(3));
      compressor.compress(x, message);
      expect(compressor.add(message, new Float32Array(3))).toBe(false);
    }
  });
});

it('top-k takes the largest, ties to the lower index', () => {
  const message = new Uint8Array(topK(0.5).bytes(5));
  topK(0.5).compress(new Float32Array([1, -3, 2, -2, 2]), message);
  const back = new Float32Array(5);
  topK(0.5).add(message, back);
  expect([...back]).toEqual([0, -3, 2, -2, 0]);
});

it('cuts a vector into whole bytes of signs', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 9 }), (length, ranks) => {
      let at = 0;
      for (let rank = 0; rank < ranks; rank++) {
        const [begin, end] = signChunk(length, rank, ranks);
        expect(Math.min(begin, length)).toBe(at);
        if (end < length) expect(end % 8).toBe(0);
        at = Math.max(at, end);
      }
      expect(at).toBe(length);
    }),
  );
});

describe('the compressed mean', () => {
  it.each(['chunk', 'layer'] as const)(
    'pays back what it left out, exactly, with scales by %s',
    async (scales) => {
      // 64 elements on 4 ranks, dyadic values and power-of-two counts: nothing rounds
      const layout = flatLayout([{ name: 'w', shape: [64] }], 4);
      const { results } = await simulate(4, async ({ comm }) => {
        const random = new Random(comm.rank + 1);
        const errors = { worker: new Float32Array(64), server: new Float32Array(16) };
        const given = new Float64Array(64);
        const delivered = new Float64Array(64);
        for (let t = 0; t < 3; t++) {
          const x = Float32Array.from({ length: 64 }, () => random.integer(9) - 4);
          x.forEach((v, i) => (given[i] = given[i]! + v));
          await compressedMean('test', x, errors, layout, comm, { scales });
          x.forEach((v, i) => (delivered[i] = delivered[i]! + v));
        }
        const owed = Float64Array.from(errors.worker);
        await comm.allReduce(given, 'mean');
        await comm.allReduce(owed, 'mean');
        const server = await comm.allGather(Float64Array.from(errors.server), new Float64Array(64));
        return { given, paid: delivered.map((d, i) => d + owed[i]! + server[i]!), delivered };
      });
      for (const { given, paid, delivered } of results) {
        expect(paid).toEqual(given);
        expect(delivered).toEqual(results[0]!.delivered);
      }
    },
  );

  it('gives a constant back as it is, and leaves out what is not live', async () => {
    const layout = layoutOn(3);
    const { results } = await simulate(3, async ({ comm }) => {
      const [begin, end] = signChunk(P, comm.rank, 3);
      const errors = { worker: new Float32Array(layout.padded), server: new Float32Array(end - begin) };
      const live = new Float32Array(layout.padded).fill(1);
      live[0] = live[20] = 0;
      const x = new Float32Array(layout.padded).fill(0.25);
      await compressedMean('test', x, errors, layout, comm, { live });
      return { x, errors };
    });
    for (const { x, errors } of results) {
      for (let i = 0; i < P; i++) expect(x[i]).toBe(i === 0 || i === 20 ? 0 : 0.25);
      expect([...errors.worker, ...errors.server].every((e) => e === 0)).toBe(true);
    }
  });

  it.each([2, 4, 8])(
    'sends 2(N−1)/N·P/8 bytes of signs and 8(N−1) of scales on %i ranks: 32.0× fewer',
    async (ranks) => {
      const length = 2 ** 18;
      const layout = flatLayout([{ name: 'w', shape: [length] }], ranks);
      const { results } = await simulate(ranks, async ({ comm }) => {
        const errors = { worker: new Float32Array(length), server: new Float32Array(length / ranks) };
        await compressedMean('test', new Float32Array(length).fill(comm.rank), errors, layout, comm);
        return comm.ledger.total().sent;
      });
      const full = await allReduceBytes(ranks, length);
      for (const sent of results) {
        expect(sent).toBe((2 * (ranks - 1) * length) / 8 / ranks + 8 * (ranks - 1));
        expect((full / sent).toFixed(1)).toBe('32.0');
      }
    },
  );
});

it('counts the bytes of each phase', async () => {
  const full = await allReduceBytes(4, layoutOn(4).padded);
  const [oneBit] = await run(oneBitAdam({ warmupSteps: 2 }), { ranks: 4, steps: 4 });
  // 4 bytes of signs and 4 scales: a byte and a scale to each of three, twice
  expect(oneBit!.sent).toEqual([full, full, 30, 30]);
  const options = { freezeStep: 6, varianceUpdates: 2, localDoubling: 2 };
  const [zeroOne] = await run(zeroOneAdam(options), { ranks: 4, steps: 12 });
  const bytes = { full, signs: 30, local: 0 };
  expect(zeroOne!.sent).toEqual(
    Array.from({ length: 12 }, (_, i) => bytes[zeroOneSchedule(i + 1, options).kind]),
  );
});
