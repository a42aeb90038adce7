/**
 * EF21: every rank keeps an estimate gᵢ of its gradient that all others know, and sends the compressed difference,
 * gᵢ ← gᵢ + C(∇fᵢ − gᵢ); the step is made with the mean of the estimates. It converges as gradient descent does, at a rate 1/δ slower
 * at worst, with no bound on how much the ranks' gradients differ.
 *
 * Source: Richtárik, Sokolov and Fatkhullin 2021, EF21: a new, simpler, theoretically better, and practically faster error feedback,
 * Algorithm 2, with g⁰ = C(∇fᵢ(x⁰)).
 *
 * Deviations: the messages go from all ranks to all, for want of a server; the mean may be the gradient of any {@link FlatOptimizer},
 * where the paper has plain gradient descent.
 */
import { checkWhole } from './compressed-state.ts';
import type { CompressedOptimizer } from './compressed-optimizer.ts';
import { topK, type Compressor } from './compressors.ts';
import { notFinite } from './full-mean.ts';
import { optimizerFrom, type OptimizerConfig } from './optimizer-from.ts';

/** Options of {@link ef21}. */
export interface Ef21Options {
  /** Default `topK(0.01)`. */
  readonly compressor?: Compressor;
  /** What steps with the mean of the estimates. Default `sgd`. */
  readonly optimizer?: OptimizerConfig;
}

/**
 * EF21; 8 bytes of state for each parameter, and those of the optimizer. A rank sends each other one a message of the compressor:
 * N·b/(8P) of the bytes of an all-reduce, with b bytes in a message.
 *
 * @throws ArgumentError for an unknown optimizer.
 */
export function ef21({
  compressor = topK(0.01),
  optimizer: config = 'sgd',
}: Ef21Options = {}): CompressedOptimizer {
  const base = optimizerFrom(config);
  return {
    name: 'ef21',
    slots: {
      estimate: 'local',
      meanEstimate: 'replicated',
      ...Object.fromEntries(base.slots.map((slot) => [slot, 'replicated' as const])),
    },
    async step(slice, gradients, { comm, step, learningRate }) {
      checkWhole('ef21', slice);
      const { state, layout } = slice;
      const P = layout.length;
      const [estimate, meanEstimate] = [
        state['estimate']!.subarray(0, P),
        state['meanEstimate']!.subarray(0, P),
      ];
      const difference = Float32Array.from(estimate, (g, i) => gradients[i]! - g);
      const message = new Uint8Array(compressor.bytes(P));
      compressor.compress(difference, message);
      const all = new Uint8Array(comm.size * message.length);
      await comm.allGather(message, all);
      const sum = new Float64Array(P);
      let finite = true;
      for (let rank = 0; rank < comm.size; rank++)
        finite =
          compressor.add(all.subarray(rank * message.length, (rank + 1) * message.length), sum) && finite;
      if (!finite) throw notFinite('ef21');
      compressor.add(message, estimate);
      for (let i = 0; i < P; i++) meanEstimate[i] = meanEstimate[i]! + sum[i]! / comm.size;
      gradients.set(meanEstimate);
      await base.step(slice, gradients, {
        step,
        learningRate,
        sumOverSlices: (sums) => Promise.resolve(sums),
      });
    },
  };
}
