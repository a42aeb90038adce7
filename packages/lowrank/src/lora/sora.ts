/**
 * SoRA: every rank-one part of an adapter has a gate with an L1 penalty, stepped by its proximal operator, so that parts that help too
 * little close, and each layer keeps the rank that it needs.
 *
 * Paper: Ding et al. 2023, "Sparse low-rank adaptation of pre-trained language models", eq. 5 to 7: h = W₀x + B(g ⊙ Ax),
 * g ← T_ξ(g − η ∇_g), T_ξ(x) = sign(x) max(|x| − ξ, 0), ξ = η λ.
 * Deviations: ξ is given, not η λ, and does not fall with the rate; g starts at 1 and R, which is the paper's B, at 0, where the paper
 * draws g; a gate that closed may open again while training lasts.
 */
import { mul, relu, sign, sub, abs, onesLike, tidy, zeros, ones } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import type { UpdateConstraint } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  disposeGates,
  gateAdapters,
  gateGradients,
  keepParts,
  openGates,
  writeGated,
} from './gated-factors.ts';

/** Options of {@link sora}. */
export interface SoraOptions {
  /** ξ, what every step takes from the size of a gate, which starts at 1; ≥ 0. Default 1e-4. */
  readonly threshold?: number;
}

/** A constraint for `train` whose gates decide which parts of an adapter stay. */
export interface GatedTraining extends UpdateConstraint {
  /** Parts whose gates are open, by layer. */
  ranks(): Readonly<Record<string, number>>;
  /** Leaves the open parts in the adapters, at their lower ranks, and frees the gates. Once, at the end. */
  finish(): void;
}

/**
 * Gates for the adapter in use. A run that goes on from a checkpoint takes its gates from the restored B, which is near
 * the uninterrupted run, not its bits.
 *
 * @throws ArgumentError for a threshold below 0, or an adapter with heads, DoRA or PiSSA.
 *
 * @example
 * const gates = sora(adapted, { threshold: 5e-4 });
 * await train(adapted, data.train, { epochs: 3, optimizer: { name: 'adam', learningRate: 1e-3 }, constraint: gates });
 * gates.finish();
 */
export function sora(adapted: LayersModel, { threshold = 1e-4 }: SoraOptions = {}): GatedTraining {
  if (!(threshold >= 0 && Number.isFinite(threshold)))
    throw new ArgumentError(`sora: threshold must be a number ≥ 0, got ${threshold}.`);
  const gated = gateAdapters('sora', adapted, ({ rank, b }) => ({
    gate: ones([rank, 1]),
    rows: zeros(b.shape as number[]),
  }));
  return {
    gradients: (given) => gateGradients(gated, given),
    apply() {
      for (const { gate } of gated)
        tidy(() => gate.assign(mul(sign(gate), relu(sub(abs(gate), mul(onesLike(gate), threshold))))));
      writeGated(gated);
    },
    ranks: () =>
      Object.fromEntries(Object.entries(openGates(gated)).map(([path, open]) => [path, open.length])),
    finish() {
      keepParts(gated, openGates(gated));
      disposeGates(gated);
    },
  };
}
