import { bench } from '@ockham/bench';
import { launch } from '@ockham/core/comm/node';
import type { Games, Times } from './players.script.ts';

const rounds: Readonly<Record<number, number>> = { 8: 60, 10: 50, 12: 30 };

export default bench({
  id: 'quantum-game/players',
  question:
    'How long is a round of four players on two threads, beside one: RY + CX-linear, depth 4, TFIM (medians and quartiles of turns)?',
  rounds: 1,
  ownEngines: true,
  against: {},
  async prepare({ smoke }) {
    const data: Games = { rounds, repeats: smoke ? 2 : 15, warmup: smoke ? 1 : 3 };
    const script = new URL('players.script.ts', import.meta.url);
    const [times] = (await launch<Times>(2, script, { data, memory: 2 ** 27 })) as [Times, Times];
    const figures: Record<string, number> = {};
    for (const [n, pairs] of Object.entries(times)) {
      const ratios = pairs.map(([together, alone]) => alone / together);
      figures[`${n} qubits, a round on one thread, ms`] = quantile(pairs.map(([, alone]) => alone), 0.5); // prettier-ignore
      figures[`${n} qubits, a round on two, ms`] = quantile(pairs.map(([together]) => together), 0.5); // prettier-ignore
      figures[`${n} qubits, two threads, times as fast`] = quantile(ratios, 0.5);
      figures[`${n} qubits, two threads, lower quartile`] = quantile(ratios, 0.25);
      figures[`${n} qubits, two threads, upper quartile`] = quantile(ratios, 0.75);
      figures[`${n} qubits, bytes of a round`] = 2 * 8 * (1 + 2 * (5 * Number(n) + 7));
    }
    return { variants: {}, figures };
  },
});

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(q * (sorted.length - 1))]!;
}
