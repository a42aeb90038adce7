import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fusedActivations, hasRelaxedSimd, packPanels, panelNumbers } from '../../src/kernels/index.ts';
import type { FusedActivation } from '../../src/kernels/index.ts';
import { fusedAttentionTwin, fusedFinishTwin, fusedSoftmaxTwin } from '../../src/kernels/twins/fused.ts';
import { gemmTwin } from '../../src/kernels/twins/gemm.ts';
import { bench, wholes, type Bench } from './memory.ts';

const names = Object.keys(fusedActivations) as FusedActivation[];
const size = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) }, { weight: 1, arbitrary: fc.integer({ min: 250, max: 530 }) }); // prettier-ignore

/** Numbers of the size of activations. */
function some(length: number, seed: number): Float32Array {
  return wholes(length, seed).map((value, i) => value / 4 + ((i * 7 + seed) % 11) / 17);
}

function placePanels(
  { place, memory }: Bench,
  values: Float32Array,
  k: number,
  n: number,
  transposed = false,
): number {
  const at = place(panelNumbers(k, n));
  packPanels(values, [k, n], new Float32Array(memory.buffer, at, panelNumbers(k, n)), { transposed });
  return at;
}

function expectClose(values: Float32Array, wanted: ArrayLike<number>, tolerance = 2e-6): void {
  expect(values.length).toBe(wanted.length);
  const most = Math.max(1, ...Array.from(wanted, Math.abs));
  for (const [i, value] of values.entries())
    if (!(Math.abs(value - wanted[i]!) <= tolerance * most)) expect(value, `number ${i}`).toBe(wanted[i]);
}

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('fused kernels, relaxed %s', (relaxed) => {
  it('a product with packed weights is that of the matrices, exactly where sums are, for every size', async () => {
    const on = await bench({ relaxed });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 110 }),
        size,
        size,
        fc.nat(999),
        fc.boolean(),
        (m, n, k, seed, transposed) => {
          on.reset();
          const [a, b] = [wholes(m * k, seed), wholes(k * n, seed + 1)];
          const panels = placePanels(on, b, k, n, transposed);
          const [c, work] = [on.place(m * n + 4), on.place(on.kernels.fusedDenseBytes() / 4)];
          on.kernels.fusedDense(m, n, k, on.place(a), k, panels, c, work, 0, 0, 0, c, 0, 0, 0, 0);
          expect(on.read(c, m * n)).toEqual(Float32Array.from(gemmTwin(false, transposed, [m, n, k], a, b)));
          expect(on.read(c + 4 * m * n, 4).every(Number.isNaN)).toBe(true); // nothing beyond
        },
      ),
      { numRuns: 120, seed: 5 },
    );
  });

  it('adds the bias, the activation, the residual and normalises, each or none, as the twin does', async () => {
    const on = await bench({ relaxed });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        size,
        fc.constantFrom(...names),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
        fc.nat(999),
        (rows, n, activation, [biased, added, normed, inPlace], seed) => {
          on.reset();
          const x = some(rows * n, seed);
          const bias = biased ? some(n, seed + 1) : undefined;
          const residual = added ? some(rows * n, seed + 2) : undefined;
          const norm = normed
            ? { gamma: some(n, seed + 3), beta: some(n, seed + 4), epsilon: 1e-3 }
            : undefined;
          const at = on.place(x);
          const plus = residual ? on.place(residual) : 0;
          const y = inPlace ? plus || at : on.place(rows * n);
          const z = inPlace ? y : on.place(rows * n);
          on.kernels.fusedFinish(rows, n, at, bias ? on.place(bias) : 0, fusedActivations[activation], plus, y, norm ? on.place(norm.gamma) : 0, norm ? on.place(norm.beta) : 0, norm?.epsilon ?? 0, z); // prettier-ignore
          const wanted = fusedFinishTwin(x, n, { activation, ...(bias && { bias }), ...(residual && { residual }), ...(norm && { norm }) }); // prettier-ignore
          if (!inPlace || !norm) expectClose(on.read(y, rows * n), wanted.y);
          if (wanted.z) expectClose(on.read(z, rows * n), wanted.z, 1e-5);
        },
      ),
      { numRuns: 300, seed: 6 },
    );
  });

  it('an activation of ±∞ and of large numbers is its limit', async () => {
    const on = await bench({ relaxed });
    const limits: Readonly<Record<FusedActivation, readonly [number, number]>> = {
      linear: [-1e4, 1e4],
      relu: [0, 1e4],
      gelu: [0, 1e4],
      'gelu-tanh': [0, 1e4],
      tanh: [-1, 1],
    };
    for (const name of names) {
      const at = on.place(Float32Array.of(-1e4, 1e4, -1e4, 1e4, -1e4, 1e4));
      on.kernels.fusedFinish(1, 6, at, 0, fusedActivations[name], 0, at, 0, 0, 0, 0);
      const [low, high] = limits[name];
      expectClose(on.read(at, 6), [low, high, low, high, low, high]);
    }
  });

  it('attention of one query and of many is the twin, with hidden keys, causal, and in rows of any width', async () => {
    const on = await bench({ relaxed });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(20),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(3),
        fc.boolean(),
        fc.boolean(),
        fc.nat(999),
        (rows, before, d, gap, causal, hides, seed) => {
          on.reset();
          const keys = rows + before;
          const ld = d + gap;
          const wide = (count: number, from: number): { tight: Float32Array; at: number } => {
            const tight = some(count * d, from);
            const loose = new Float32Array(count * ld).fill(NaN);
            for (let r = 0; r < count; r++) loose.set(tight.subarray(r * d, (r + 1) * d), r * ld);
            return { tight, at: on.place(loose) };
          };
          const [q, k, v] = [wide(rows, seed), wide(keys, seed + 1), wide(keys, seed + 2)];
          const plus = hides
            ? Float32Array.from({ length: keys }, (_, i) => (i % 3 === 1 ? -1e9 : 0))
            : undefined;
          const first = causal ? before : -1;
          const [out, scores, work] = [on.place(rows * ld), on.place(rows * keys), on.place(on.kernels.workspaceBytes() / 4)]; // prettier-ignore
          on.kernels.fusedAttention(rows, keys, d, 0.5, q.at, ld, k.at, v.at, ld, plus ? on.place(plus) : 0, first, out, ld, scores, work); // prettier-ignore
          const wanted = fusedAttentionTwin(q.tight, k.tight, v.tight, d, {
            scale: 0.5,
            first,
            ...(plus && { plus }),
          });
          const found = on.read(out, rows * ld);
          for (let r = 0; r < rows; r++) expectClose(found.slice(r * ld, r * ld + d), wanted.slice(r * d, (r + 1) * d)); // prettier-ignore
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  it('a softmax of one number is 1, and of hidden ones alone is even', async () => {
    const on = await bench({ relaxed });
    for (const values of [[3], [-1e9, -1e9, -1e9], [1000, 0, -1000, 5, 1000]]) {
      const x = Float32Array.from(values);
      const at = on.place(x);
      on.kernels.fusedSoftmax(x.length, at, 1, 0);
      expectClose(on.read(at, x.length), fusedSoftmaxTwin(x, 1));
    }
  });

  it('an embedding reads a plain table and a packed one alike, with and without positions and types', async () => {
    const on = await bench({ relaxed });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        size,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        fc.boolean(),
        (rows, n, tokens, placed, typed) => {
          on.reset();
          const table = some(tokens * n, 1);
          const [positions, types] = [some(rows * n, 2), some(2 * n, 3)];
          const ids = Int32Array.from({ length: rows }, (_, r) => (r * 7) % tokens);
          const ints = (values: Int32Array): number => {
            const at = on.place(values.length);
            new Int32Array(on.memory.buffer, at, values.length).set(values);
            return at;
          };
          const places = ints(ids.map((_, r) => r));
          const kinds = ints(ids.map((_, r) => r % 2));
          const wanted = Float32Array.from({ length: rows * n }, (_, i) => {
            const [r, c] = [Math.floor(i / n), i % n];
            const word = table[ids[r]! * n + c]!;
            const withPlace = placed ? Math.fround(word + positions[r * n + c]!) : word;
            return typed ? Math.fround(withPlace + types[(r % 2) * n + c]!) : withPlace;
          });
          const others = [
            places,
            placed ? on.place(positions) : 0,
            kinds,
            typed ? on.place(types) : 0,
          ] as const;
          const [plain, packed] = [on.place(rows * n), on.place(rows * n)];
          on.kernels.fusedEmbed(rows, n, ints(ids), on.place(table), 0, ...others, plain);
          on.kernels.fusedEmbed(
            rows,
            n,
            ints(ids),
            placePanels(on, table, n, tokens, true),
            tokens,
            ...others,
            packed,
          );
          expect(on.read(plain, rows * n)).toEqual(wanted);
          expect(on.read(packed, rows * n)).toEqual(wanted);
        },
      ),
      { numRuns: 100, seed: 8 },
    );
  });
});
