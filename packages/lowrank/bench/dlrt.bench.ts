/** A step of dynamical low-rank training against the dense one, on every engine. */
import type { Bench } from '../../../tooling/bench/src/bench.ts';
import type { DlrtWorkOptions } from './dlrt.work.ts';

const names = ['dense', 'low rank', 'rank found'] as const;

/** n and m of the layers that are trained in low rank. */
const shapes = [[500, 784], [500, 500], [500, 500], [500, 500]] as const; // prettier-ignore

/**
 * Bytes of kernels, their gradients and the optimizer's `states` for each value, as `test/dlrt-fixed-rank.test.ts` counts
 * them: U, K = US and V, the gradients of K and L. Without a rank, of the dense layers.
 */
function bytesOf(states: number, rank?: number): number {
  return shapes.reduce(
    (sum, [n, m]) =>
      sum + 4 * (rank === undefined ? n * m * (2 + states) : rank * (2 * n + m + (1 + states) * (n + m))),
    0,
  );
}

const optimizers: readonly {
  readonly name: DlrtWorkOptions['optimizer'];
  readonly states: number;
  readonly bars: Readonly<Record<string, number>>;
}[] = [
  { name: 'sgd', states: 0, bars: { wasm: 2, tensorflow: 1.2 } },
  { name: 'adam', states: 2, bars: { wasm: 2, tensorflow: 1.2 } },
];

const benches: Bench[] = optimizers.map(({ name: optimizer, states, bars }) => ({
  id: `lowrank/dlrt-step-${optimizer}`,
  question: `How fast is a training step of a 784-500-500-500-500-10 network in low rank, at rank 32 and batch 256, with ${optimizer}?`,
  rounds: 30,
  warmup: 3,
  seed: 7,
  ownEngines: true,
  against: Object.fromEntries(
    Object.entries(bars).flatMap(([engine, bar]) => [
      [`${engine}, ${names[1]}`, { [`${engine}, ${names[0]}`]: bar }],
      // with a decomposition of S in every step; no bar
      [`${engine}, ${names[2]}`, { [`${engine}, ${names[0]}`]: 0 }],
    ]),
  ),
  async prepare({ smoke, work }) {
    const variants: Record<string, () => Promise<void>> = {};
    const skipped: Record<string, string> = {};
    const versions: Record<string, string> = {};
    for (const engine of ['wasm', 'tensorflow'] as const) {
      for (const name of names) {
        const options: DlrtWorkOptions = { engine, optimizer, smoke };
        try {
          const child = await work(new URL('dlrt.work.ts', import.meta.url), options);
          variants[`${engine}, ${name}`] = () => child.run(name);
          Object.assign(versions, child.versions);
        } catch (error) {
          if (engine !== 'tensorflow') throw error;
          skipped[`${engine}, ${name}`] = 'the native engine does not load: `pnpm native` builds it';
        }
      }
    }
    const figures = Object.fromEntries([
      ['bytes of kernels, gradients and states, dense', bytesOf(states)],
      ...[8, 16, 32, 64].map((rank) => [`… at rank ${rank}`, bytesOf(states, rank)] as const),
    ]);
    return { variants, figures, skipped, versions };
  },
}));

export default benches;
