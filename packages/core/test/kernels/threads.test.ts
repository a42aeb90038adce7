import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { spawnThread } from '../../src/backend/spawn.node.ts';
import { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry, type Kernels } from '../../src/kernels/index.ts';
import type { Spawn, Worker } from '../../src/kernels/threads/team.ts';
import { sizesOf, square, tiledGeometries } from './geometries.ts';
import { teamBench, uneven, type TeamBench } from './team-bench.ts';

const patient = { timeout: 20_000 };

let on: TeamBench;
beforeAll(async () => {
  on = await teamBench();
});
afterEach(() => on.reset());
afterAll(() => on.team.end());

const upTo = (max: number) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max }) },
  );
const small = (min: number, max: number) => fc.integer({ min, max });
const geometries = fc
  .record({
    ...{ batch: fc.oneof(small(0, 4), small(5, 40)), height: small(1, 14), width: small(1, 14) },
    channels: fc.oneof(small(1, 9), fc.constantFrom(16, 32, 40)),
    outChannels: fc.oneof(small(1, 9), fc.constantFrom(16, 64)),
    ...{
      filterHeight: small(1, 4),
      filterWidth: small(1, 4),
      strideHeight: small(1, 3),
      strideWidth: small(1, 3),
    },
    ...{ dilationHeight: small(1, 2), dilationWidth: small(1, 2), top: small(0, 3), left: small(0, 3) },
    ...{ bottom: small(0, 3), right: small(0, 3) },
  })
  .map(({ bottom, right, ...g }): Conv2dGeometry => {
    const out = (size: number, filter: number, dilation: number, stride: number) =>
      Math.floor((size - ((filter - 1) * dilation + 1)) / stride) + 1;
    return {
      ...g,
      outHeight: out(g.height + g.top + bottom, g.filterHeight, g.dilationHeight, g.strideHeight),
      outWidth: out(g.width + g.left + right, g.filterWidth, g.dilationWidth, g.strideWidth),
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

function expectSameBits(run: (kernels: Kernels) => readonly Uint8Array[]): void {
  const [alone, shared] = [run(on.alone), run(on.shared)];
  for (const [i, array] of alone.entries()) expect(Buffer.compare(shared[i]!, array)).toBe(0); // toEqual is slow
}

describe.each([2, 3])('%i threads give the bits of one', (threads) => {
  beforeAll(async () => {
    await on.team.resize(threads, spawnThread);
    expect(on.team.threads).toBe(threads);
  });

  it('in products of every size and transposition, rows apart or not', () => {
    fc.assert(
      fc.property(
        ...([fc.boolean(), fc.boolean(), upTo(400), upTo(1300), upTo(200), fc.nat(3), fc.nat(1000)] as const),
        (transposeA, transposeB, m, n, k, gap, seed) => {
          on.reset();
          const [lda, ldb] = [transposeA ? m : k, transposeB ? k : n];
          const [a, b] = [on.place(uneven(m * k, seed)), on.place(uneven(k * n, seed + 1))];
          const work = on.place(on.alone.workspaceBytes() / 4);
          const run = (kernels: Kernels) => {
            const c = on.place(m * (n + gap));
            kernels.gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, n + gap, work);
            return [on.read(c, m * (n + gap))];
          };
          expectSameBits(run);
        },
      ),
      { numRuns: 100, seed: threads },
    );
  });

  const convolved = (g: Conv2dGeometry, seed: number, odd: number | undefined): void => {
    on.reset();
    const sizes = sizesOf(g);
    const at = on.place(GEOMETRY_BYTES / 4);
    writeGeometry(on.memory, at, g);
    const [x, dy, w] = [uneven(sizes.x, seed), uneven(sizes.y, seed + 1), uneven(sizes.w, seed + 2)];
    if (odd !== undefined) for (const values of [x, dy]) values[seed % values.length] = odd;
    const [atX, atY, atW] = [on.place(x), on.place(dy), on.place(w)];
    const bytes = ['convolveBytes', 'filterGradientBytes', 'inputGradientBytes'] as const;
    const work = on.place(Math.max(...bytes.map((name) => on.shared[name](at))) / 4);
    const run = (kernels: Kernels) => {
      const [y, dw, dx] = [on.place(sizes.y), on.place(sizes.w), on.place(sizes.x)];
      kernels.convolve(at, atX, atW, y, work);
      kernels.filterGradient(at, atX, atY, dw, work);
      kernels.inputGradient(at, atY, atW, dx, work);
      return [on.read(y, sizes.y), on.read(dw, sizes.w), on.read(dx, sizes.x)];
    };
    expectSameBits(run);
  };

  it('in convolutions and both gradients of every size, stride, dilation and padding', () => {
    fc.assert(fc.property(geometries, fc.nat(1000), fc.constant(undefined), convolved), {
      numRuns: 100,
      seed: threads,
    });
  });

  it('in those by tiles, whose images or rows are cut, also where some are not finite', () => {
    const odd = fc.constantFrom(undefined, NaN, Infinity);
    fc.assert(fc.property(tiledGeometries, fc.nat(1000), odd, convolved), { numRuns: 100, seed: threads });
    convolved({ ...square(1, 19, 16, 1), tiled: true }, 1, undefined);
    convolved({ ...square(1, 19, 16, 1), tiled: true }, 400, NaN);
  });

  it('in gradients of filters that are summed in parts, by tiles or not, and in those cut into taps', () => {
    convolved({ ...square(16, 24, 8, 1), tiled: true }, 1, undefined);
    convolved({ ...square(16, 24, 8, 1), tiled: false }, 1, undefined);
    convolved({ ...square(3, 6, 64, 1), tiled: false }, 2, undefined);
  });

  it('in pooling and its gradients, sums of columns, passes over numbers, and results kept in a range', () => {
    fc.assert(
      fc.property(geometries, fc.nat(1000), (given, seed) => {
        on.reset();
        const g = { ...given, dilationHeight: 1, dilationWidth: 1 };
        const size = g.batch * g.height * g.width * g.channels;
        const x = on.place(uneven(size, seed));
        const dy = on.place(uneven(g.batch * g.outHeight * g.outWidth * g.channels, seed + 1));
        const bias = on.place(uneven(g.channels, seed + 2));
        const at = on.place(GEOMETRY_BYTES / 4);
        writeGeometry(on.memory, at, g);
        const run = (kernels: Kernels) => {
          const [dx, to] = [on.place(size), on.place(g.channels)];
          kernels.maxPoolGradient(at, dy, x, dx);
          const work = on.place(kernels.columnSumsBytes(g.channels) / 4);
          kernels.columnSums(size / g.channels, g.channels, x, to, work);
          kernels.finish(size / g.channels, g.channels, dx, bias, 0, Infinity);
          return [on.read(dx, size), on.read(to, g.channels)];
        };
        expectSameBits(run);
      }),
      { numRuns: 100, seed: threads },
    );
    fc.assert(
      fc.property(
        small(0, 5),
        small(1, 9),
        small(1, 9),
        small(1, 5),
        fc.nat(1000),
        (batch, h, w, c, seed) => {
          on.reset();
          const image = { batch, height: 2 * h + (seed % 2), width: 2 * w, channels: c, outChannels: c };
          const halves = { outHeight: h, outWidth: w, filterHeight: 2, filterWidth: 2, top: 0, left: 0 };
          const steps = { strideHeight: 2, strideWidth: 2, dilationHeight: 1, dilationWidth: 1 };
          const at = on.place(GEOMETRY_BYTES / 4);
          writeGeometry(on.memory, at, { ...image, ...halves, ...steps });
          const size = batch * image.height * image.width * c;
          const [x, g] = [on.place(uneven(size, seed)), on.place(uneven(size, seed + 1))];
          const scalars = on.place(Float32Array.of(0.9, 0.1, 0.999, 0.001, 0.2, 0.01, 1e-7, -0.01));
          expectSameBits((kernels) => {
            const [halved, kept, moved] = [on.place(batch * h * w * c), on.place(size), on.place(size)];
            const [m, v] = [on.place(new Float32Array(size)), on.place(new Float32Array(size))];
            kernels.maxPoolHalves(at, x, halved);
            kernels.keepWithin(size, x, kept, 0, 6);
            const [powers, errors] = [on.place(size), on.place(size)];
            kernels.exponential(size, x, powers);
            kernels.errorFunction(size, x, errors);
            kernels.adamStep(size, x, m, v, g, moved, scalars);
            return [
              on.read(halved, batch * h * w * c),
              ...[kept, moved, m, v, powers, errors].map((to) => on.read(to, size)),
            ];
          });
        },
      ),
      { numRuns: 100, seed: threads },
    );
    on.reset();
    const [rows, n] = [20_000, 33];
    const x = on.place(uneven(rows * n, 1));
    const sums = (kernels: Kernels) => {
      const to = on.place(n);
      kernels.columnSums(rows, n, x, to, on.place(kernels.columnSumsBytes(n) / 4));
      return [on.read(to, n)];
    };
    expectSameBits(sums);
  });
});

it('workers take units while the caller is busy with one', async () => {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const on = await teamBench({ gemm: () => void Atomics.wait(nap, 0, 0, 50) }); // the caller's computes nothing
  await on.team.resize(2, spawnThread);
  const [a, b, c] = [on.place(uneven(96 * 96, 1)), on.place(uneven(96 * 96, 2)), on.place(96 * 96)];
  const work = on.place(on.shared.workspaceBytes() / 4);
  await expect
    .poll(() => {
      on.shared.gemm(false, false, 96, 96, 96, a, 96, b, 96, c, 96, work);
      return new Float32Array(on.memory.buffer, c, 96 * 96).some(Number.isFinite);
    }, patient)
    .toBe(true);
  on.team.end();
});

describe('a team that loses a worker', () => {
  /** Starts workers and keeps them at hand. */
  function held(): { readonly spawn: Spawn; readonly workers: Worker[] } {
    const workers: Worker[] = [];
    return {
      workers,
      spawn: (...given) => {
        const worker = spawnThread(...given);
        workers.push(worker);
        return worker;
      },
    };
  }

  const product = (on: TeamBench, kernels: Kernels): Uint8Array => {
    const [m, n, k] = [300, 280, 260];
    const [a, b, c] = [on.place(uneven(m * k, 1)), on.place(uneven(k * n, 2)), on.place(m * n)];
    const work = on.place(kernels.workspaceBytes() / 4);
    kernels.gemm(false, false, m, n, k, a, k, b, n, c, n, work);
    return on.read(c, m * n);
  };

  it('computes the same at once, and says so when it knows', async () => {
    const on = await teamBench();
    const expected = product(on, on.alone);
    const { spawn, workers } = held();
    await on.team.resize(3, spawn);
    expect(product(on, on.shared)).toEqual(expected);
    workers[0]!.terminate();
    for (let i = 0; i < 5; i++) {
      on.reset();
      expect(product(on, on.shared)).toEqual(expected);
    }
    await expect.poll(() => on.team.threads, patient).toBe(2);
    expect(on.team.lost).toBe('a worker thread has ended');
    workers[1]!.terminate();
    await expect.poll(() => on.team.threads, patient).toBe(1);
    expect(product(on, on.shared)).toEqual(expected);
    await on.team.resize(3, spawn); // starts others in their places
    expect(on.team.threads).toBe(3);
    expect(on.team.lost).toBeUndefined();
    expect(product(on, on.shared)).toEqual(expected);
    on.team.end();
    expect(on.team.threads).toBe(1);
  });

  it('is one thread where no worker starts, or its program fails', async () => {
    const on = await teamBench();
    await on.team.resize(2, () => {
      throw new Error('no threads here');
    });
    expect([on.team.threads, on.team.lost]).toEqual([1, 'no threads here']);
    await on.team.resize(2, (_, heard, failed) => spawnThread('throw new Error("no start")', heard, failed));
    expect([on.team.threads, on.team.lost]).toEqual([1, 'no start']);
    expect(product(on, on.shared)).toEqual(product(on, on.alone));
  });

  it('passes on the error of a call that is wrong', async () => {
    const on = await teamBench();
    await on.team.resize(2, spawnThread);
    const beyond = on.memory.buffer.byteLength - 64;
    const work = on.place(on.shared.workspaceBytes() / 4);
    const wrong = () => on.shared.gemm(false, false, 500, 500, 500, beyond, 500, 16, 500, 16, 500, work);
    expect(wrong).toThrow(WebAssembly.RuntimeError);
    expect(wrong).toThrow(WebAssembly.RuntimeError);
    expect(on.team.threads).toBe(2);
    on.reset();
    expect(product(on, on.shared)).toEqual(product(on, on.alone));
    on.team.end();
  });
});
