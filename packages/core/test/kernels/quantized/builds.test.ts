import { spawnThread } from '../../../src/backend/spawn.node.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { CODINGS, LoadedMatrix, type Coding } from '@ockham/core/kernels';
import { runProduct } from '../../../src/kernels/quantized/run-product.ts';
import { quantizedProductTwin, quantizeRowsTwin } from '../../../src/kernels/twins/quantized.ts';
import { bench, builds, type Bench } from '../memory.ts';
import { teamBench, type TeamBench } from '../team-bench.ts';
import { farthest, matrixOf, numbers } from './draw.ts';

const codings = Object.keys(CODINGS) as Coding[];
const size = (max: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 24 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max }) },
  );
const problems = fc.record({
  ...{ coding: fc.constantFrom(...codings), rows: size(70), outputs: size(40), inputs: size(2500) },
  group: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(64, 128)),
  ...{ seed: fc.nat(9999), asymmetric: fc.boolean(), activations: fc.constantFrom('float32', 'int8') },
});
type Problem = typeof problems extends fc.Arbitrary<infer T> ? T : never;

/** The result, and whether what lies behind it is as it was. */
function run(at: Pick<Bench, 'memory' | 'kernels' | 'place'>, problem: Problem) {
  const { coding, rows, outputs, inputs, seed, asymmetric, activations } = problem;
  const matrix = matrixOf(
    coding,
    [outputs, inputs, Math.min(inputs, problem.group)],
    seed,
    false,
    asymmetric,
  );
  const x = numbers(rows * inputs, seed + 1);
  const bytes = (count: number) => at.place(Math.ceil(count / 4));
  const { memory, kernels } = at;
  const loaded = new LoadedMatrix(
    { memory, kernels, allocate: bytes, workspace: bytes, free: () => undefined },
    matrix,
  );
  const [from, y] = [at.place(x.length), at.place(rows * outputs + 4)];
  new Float32Array(memory.buffer, from, x.length).set(x);
  runProduct('test', loaded, [rows, from, 0, y], { activation: 'linear', activations });
  const [...got] = new Float32Array(memory.buffer, y, rows * outputs + 4);
  return { matrix, x, got: Float32Array.from(got.slice(0, -4)), behind: got.slice(-4) };
}

describe.each(builds)('quantised products, relaxed $relaxed, shared $shared', (build) => {
  it('are those of the twin and write nowhere else', async () => {
    const at = await bench(build);
    fc.assert(
      fc.property(problems, (problem) => {
        at.reset();
        const { matrix, x, got, behind } = run(at, problem);
        const twin = quantizedProductTwin(matrix, x, problem.rows, undefined, 'linear', problem.activations);
        const most = Math.max(1, ...twin.map(Math.abs));
        expect(farthest(got, twin)).toBeLessThan(2e-6 * most * Math.sqrt(1 + problem.inputs / 16));
        expect(behind.every(Number.isNaN)).toBe(true);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('quantise rows as the twin, to the bit, each group from an even place on', async () => {
    const { kernels, memory, place, read, reset } = await bench(build);
    fc.assert(
      fc.property(
        ...([fc.integer({ min: 1, max: 5 }), size(200), fc.integer({ min: 1, max: 40 })] as const),
        ...([fc.constantFrom(1, 2), fc.nat(999)] as const),
        (rows, inputs, most, bytes, seed) => {
          reset();
          const group = Math.min(inputs, most);
          const groups = Math.ceil(inputs / group);
          const even = group + (group % 2);
          const depth = (groups - 1) * even + 2 * Math.ceil((inputs - (groups - 1) * group) / 2);
          const size = [1, 0, 1e-38, 1e-44, 3e38][seed % 5]!;
          const x = numbers(rows * inputs, seed).map((v, i) => (i % 7 === 0 ? 0 : v * size * 2 ** -(i % 5)));
          const [to, scales, sums] = [place(rows * depth), place(rows + 1), place(rows * groups + 1)];
          kernels.quantizeRows(rows, inputs, group, depth, bytes, place(x), to, scales, sums);
          const twin = quantizeRowsTwin(x, inputs);
          expect(read(scales, rows)).toEqual(twin.scales);
          const Values = bytes === 1 ? Int8Array : Int16Array;
          const expected = new Values(rows * depth);
          const totals = new Int32Array(rows * groups);
          for (const [i, value] of twin.values.entries()) {
            const [r, c] = [Math.floor(i / inputs), i % inputs];
            const g = Math.floor(c / group);
            expected[r * depth + g * even + (c % group)] = value;
            totals[r * groups + g]! += value;
          }
          expect(new Values(memory.buffer, to, rows * depth).slice()).toEqual(expected);
          expect(new Int32Array(memory.buffer, sums, rows * groups).slice()).toEqual(totals);
        },
      ),
      { numRuns: 100, seed: 2 },
    );
  });
});

it('int8 rows give the same bits with relaxed SIMD and without', async () => {
  const [plain, relaxed] = await Promise.all([bench({ relaxed: false }), bench()]);
  fc.assert(
    fc.property(problems, (problem) => {
      fc.pre(!problem.coding.startsWith('fp8')); // those are multiplied as float32
      plain.reset();
      relaxed.reset();
      const given = { ...problem, activations: 'int8' } as const;
      expect(run(plain, given).got).toEqual(run(relaxed, given).got);
    }),
    { numRuns: 100, seed: 3 },
  );
});

it.each([NaN, Infinity])('a row with %d has no finite result, the others are as without it', async (odd) => {
  for (const build of builds.filter(({ shared }) => !shared)) {
    const at = await bench(build);
    const bytes = (count: number) => at.place(Math.ceil(count / 4));
    const { memory, kernels } = at;
    for (const coding of ['int8', 'int4', 'ternary'] as const) {
      for (const activations of ['float32', 'int8'] as const) {
        for (const rows of [2, 6]) {
          at.reset();
          const matrix = matrixOf(coding, [9, 20, 20], 5);
          const space = { memory, kernels, allocate: bytes, workspace: bytes, free: () => undefined };
          const loaded = new LoadedMatrix(space, {
            ...matrix,
            codes: matrix.codes.fill(coding === 'ternary' ? 242 : 17),
          });
          const product = (x: Float32Array) => {
            const [from, y] = [at.place(x), at.place(rows * 9)];
            runProduct('test', loaded, [rows, from, 0, y], { activation: 'linear', activations });
            return at.read(y, rows * 9);
          };
          const x = numbers(rows * 20, 6);
          const before = product(x);
          x[20 + 3] = odd;
          const after = product(x);
          expect([...after.slice(9, 18)].some(Number.isFinite)).toBe(false);
          after.fill(0, 9, 18);
          expect(after).toEqual(before.fill(0, 9, 18));
        }
      }
    }
  }
});

describe('two threads', () => {
  let on: TeamBench;
  beforeAll(async () => {
    on = await teamBench();
    await on.team.resize(2, spawnThread);
  }, 20_000);
  afterAll(() => on.team.end());

  it('give the bits of one', () => {
    expect(on.team.threads).toBe(2);
    fc.assert(
      fc.property(problems, (problem) => {
        on.reset();
        const { memory, place } = on;
        const alone = run({ memory, place, kernels: on.alone }, problem).got;
        const shared = run({ memory, place, kernels: on.shared }, problem).got;
        expect(shared).toEqual(alone);
      }),
      { numRuns: 60, seed: 4 },
    );
  });
});
