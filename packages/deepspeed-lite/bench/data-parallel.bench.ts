/**
 * Two data-parallel ranks beside one, at the same global batch. From packages/deepspeed-lite:
 *
 *     node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only data-parallel
 *
 * Both cores have to be idle. Ranks are threads on the wasm engine and processes on the native one, whose binding loads in one thread
 * only; every engine has one thread.
 */
import '@tensorflow/tfjs';
import { bench } from '@ockham/bench';
import { useBackend } from '@ockham/core/backend/node';
import { launch, launchProcesses } from '@ockham/core/comm/node';
import { quantile } from '@ockham/core/metrics';
import type { Steps, StepTimes } from './data-parallel.script.ts';

export default bench({
  id: 'deepspeed-lite/data-parallel',
  question:
    'How many times as fast as one rank are two data-parallel ones, at the same global batch (1.7 wanted), and what part of the speed without communication is that (0.90 wanted)? Medians and quartiles of turns.',
  rounds: 1,
  ownEngines: true,
  against: {},
  async prepare({ smoke }) {
    const script = new URL('data-parallel.script.ts', import.meta.url);
    const figures: Record<string, number> = {};
    const skipped: Record<string, string> = {};
    for (const engine of ['wasm', 'tensorflow'] as const) {
      const missing = await useBackend(engine).then(() => undefined, (error: unknown) => (error as Error).message); // prettier-ignore
      if (missing !== undefined) {
        skipped[engine] = missing;
        continue;
      }
      const data: Steps = { engine, smoke, repeats: smoke ? 2 : 30, warmup: smoke ? 1 : 4 };
      const start = engine === 'wasm' ? launch : launchProcesses;
      const ranks = await start<Record<string, StepTimes>>(2, script, { data });
      for (const [job, { sent }] of Object.entries(ranks[0]!)) {
        const { alone, together, silent } = slowest(ranks.map((rank) => rank[job]!));
        const name = `${job} on ${engine}`;
        figures[`${name}, one rank, ms`] = quantile(alone, 0.5);
        figures[`${name}, two ranks, ms`] = quantile(together, 0.5);
        note(figures, `${name}, two ranks, times as fast as one`, alone, together);
        note(figures, `${name}, part of the speed without communication`, silent, together);
        figures[`${name}, bytes sent in an update`] = sent;
      }
    }
    return { variants: {}, figures, skipped };
  },
});

/** Each turn takes as long as the slower rank. */
function slowest(ranks: readonly StepTimes[]): Omit<StepTimes, 'sent'> {
  const of = (variant: 'alone' | 'together' | 'silent'): number[] =>
    ranks[0]![variant].map((_, i) => Math.max(...ranks.map((rank) => rank[variant][i]!)));
  return { alone: of('alone'), together: of('together'), silent: of('silent') };
}

/** Median and quartiles of the ratios of turns that follow each other. */
function note(
  figures: Record<string, number>,
  name: string,
  above: readonly number[],
  below: readonly number[],
): void {
  const ratios = above.map((time, i) => time / below[i]!);
  figures[name] = quantile(ratios, 0.5);
  figures[`${name}, lower quartile`] = quantile(ratios, 0.25);
  figures[`${name}, upper quartile`] = quantile(ratios, 0.75);
}
