import { bench } from '@ockham/bench';
import { launch } from '@ockham/core/comm/node';
import type { Sizes } from './rounds.script.ts';

const REPEATS = 5;

export default bench({
  id: 'feature-subsample/rounds',
  question:
    'How long does a gradient round of 20,000 × 2,000 take on two workers, beside NumPy on two threads (least of all repeats, ms)?',
  rounds: 9,
  ownEngines: true,
  against: {},
  async prepare({ smoke, python }) {
    const [rows, columns] = smoke ? [400, 200] : [20_000, 2_000];
    const peer = await python(new URL('rounds_peer.py', import.meta.url), [String(rows), String(columns)]);
    const best: Record<string, number> = {};
    const note = (name: string, milliseconds: number): void => {
      best[name] = Math.min(best[name] ?? Infinity, milliseconds);
    };
    for (let k = 0; k < (smoke ? 1 : REPEATS); k++) {
      const data: Sizes = { rows, columns, batches: 2 };
      const script = new URL('rounds.script.ts', import.meta.url);
      note('a round, two workers', (await launch<number>(2, script, { data }))[0]!);
      for (let i = 0; peer && i < 10; i++) {
        for (const name of ['product', 'gradient']) {
          const start = performance.now();
          await peer.run(name);
          note(`NumPy, ${name}`, performance.now() - start);
        }
      }
    }
    const round = best['a round, two workers']!;
    const ratios = ['product', 'gradient'].flatMap((name) => {
      const other = best[`NumPy, ${name}`];
      return other === undefined ? [] : [[`a round, times of NumPy’s ${name}`, round / other] as const];
    });
    return {
      variants: {},
      figures: { ...best, ...Object.fromEntries(ratios) },
      ...(peer && { versions: peer.versions }),
    };
  },
});
