/** A step of dynamical low-rank training against the dense one, on every engine. */
import type { Bench } from '../../../tooling/bench/src/bench.ts';
import type { DlrtWorkOptions } from './dlrt.work.ts';

const names = ['dense', 'low rank'] as const;

const optimizers: readonly {
  readonly name: DlrtWorkOptions['optimizer'];
  readonly bars: Readonly<Record<string, number>>;
}[] = [
  { name: 'sgd', bars: { wasm: 2, tensorflow: 1.2 } },
  { name: 'adam', bars: { wasm: 2, tensorflow: 1.2 } },
];

const benches: Bench[] = optimizers.map(({ name: optimizer, bars }) => ({
  id: `lowrank/dlrt-step-${optimizer}`,
  question: `How fast is a training step of a 784-500-500-500-500-10 network in low rank, at rank 32 and batch 256, with ${optimizer}?`,
  rounds: 15,
  warmup: 3,
  seed: 7,
  ownEngines: true,
  against: Object.fromEntries(
    Object.entries(bars).map(([engine, bar]) => [
      `${engine}, ${names[1]}`,
      { [`${engine}, ${names[0]}`]: bar },
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
    return { variants, skipped, versions };
  },
}));

export default benches;
