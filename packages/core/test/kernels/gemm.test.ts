import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gemmTwin } from '../../src/kernels/twins/gemm.ts';
import { bench, builds, wholes } from './memory.ts';

describe.each(builds)('gemm, relaxed $relaxed, shared $shared', (build) => {
  it('equals its twin for every size and transposition, rows apart or not', async () => {
    const { kernels, place, read, reset } = await bench(build);
    const size = (max: number) =>
      fc.oneof(
        { weight: 30, arbitrary: fc.integer({ min: 1, max: 20 }) },
        { weight: 3, arbitrary: fc.integer({ min: 1, max }) },
        { weight: 1, arbitrary: fc.constant(0) },
      );
    fc.assert(
      fc.property(
        ...([fc.boolean(), fc.boolean(), size(200), size(600), size(600), fc.nat(3), fc.nat(1000)] as const),
        (transposeA, transposeB, m, n, k, gap, seed) => {
          reset();
          const [a, b] = [wholes(m * k, seed), wholes(k * n, seed + 1)];
          const c = place(m * (n + gap));
          kernels.gemm(
            ...([transposeA, transposeB, m, n, k] as const),
            ...([place(a), transposeA ? m : k, place(b), transposeB ? k : n] as const),
            ...([c, n + gap, place(kernels.workspaceBytes() / 4)] as const),
          );
          const expected = gemmTwin(transposeA, transposeB, [m, n, k], a, b);
          const rows = read(c, m * (n + gap));
          for (let i = 0; i < m; i++) {
            const row = rows.subarray(i * (n + gap), i * (n + gap) + n);
            expect(row).toEqual(Float32Array.from(expected.subarray(i * n, (i + 1) * n)));
            expect(rows.subarray(i * (n + gap) + n, (i + 1) * (n + gap)).every(Number.isNaN)).toBe(true);
          }
        },
      ),
      { numRuns: 250, seed: 1 },
    );
  });

  it('lets NaN and infinity through', async () => {
    const { kernels, place, read } = await bench(build);
    const c = place(14 * 10);
    const a = wholes(14 * 12, 3);
    a[5 * 12 + 1] = NaN;
    a[7 * 12 + 2] = Infinity;
    const b = wholes(12 * 10, 4).map((v) => v + 5); // positive
    kernels.gemm(
      false,
      false,
      14,
      10,
      12,
      place(a),
      12,
      place(b),
      10,
      c,
      10,
      place(kernels.workspaceBytes() / 4),
    );
    const rows = read(c, 140);
    expect(rows.subarray(50, 60).every(Number.isNaN)).toBe(true);
    expect(rows.subarray(70, 80).every((v) => v === Infinity)).toBe(true);
    expect(
      [...rows.subarray(0, 50), ...rows.subarray(60, 70), ...rows.subarray(80)].every(Number.isFinite),
    ).toBe(true);
  });
});
