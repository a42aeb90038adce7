import { ArgumentError } from '@ockham/core';

/** Sizes of a stack of transformer blocks. */
export interface StackSizes {
  /** Number of blocks. */
  readonly layers: number;
  /** Width of the tokens, h. */
  readonly hidden: number;
  /** Width between the two dense layers. Default 4·h. */
  readonly intermediate?: number;
}

/** What one step did. */
export interface LedgerStep {
  /** Sequences of the batch. */
  readonly sequences: number;
  /** Tokens of each, s. */
  readonly length: number;
  /** Tokens that each layer saw. Default all, in all; 0 for a layer that was skipped. */
  readonly seen?: ArrayLike<number>;
}

/** Sums over steps; integers below 2⁵³, and so exact. */
export interface EfficiencyCounts {
  /** Number of steps. */
  readonly steps: number;
  /** Tokens that came in. */
  readonly tokens: number;
  /** Tokens that the layers saw, of tokens × layers. */
  readonly layerTokens: number;
  /** Tokens × layers, had nothing been dropped. */
  readonly fullLayerTokens: number;
  /** Floating-point operations of the blocks, forward and backward. */
  readonly flops: number;
  /** What they would have been without dropping. */
  readonly fullFlops: number;
}

/**
 * Operations of one block, forward, for one sequence of which it sees s tokens: 2·s·(4h² + 2h·f) of its six matrices and 4·s²·h of its
 * attention; multiplications and additions count one each. Softmax, norms and biases are left out.
 */
export function blockFlops(s: number, hidden: number, intermediate: number = 4 * hidden): number {
  return 2 * s * (4 * hidden * hidden + 2 * hidden * intermediate) + 4 * s * s * hidden;
}

/**
 * Counts tokens and operations of training with token dropping, layer dropping or sequences of growing length. The backward pass costs
 * twice the forward.
 *
 * @example
 * const ledger = efficiencyLedger({ layers: 4, hidden: 256 });
 * ledger.count({ sequences: 32, length: 128, seen: [128, 64, 64, 128] });
 * ledger.counts().flops / ledger.counts().fullFlops;
 */
export function efficiencyLedger({ layers, hidden, intermediate = 4 * hidden }: StackSizes): {
  count(step: LedgerStep): void;
  counts(): EfficiencyCounts;
} {
  const counts = { steps: 0, tokens: 0, layerTokens: 0, fullLayerTokens: 0, flops: 0, fullFlops: 0 };
  return {
    count({ sequences, length, seen = new Float64Array(layers).fill(length) }) {
      const bad = Array.from(seen).findIndex((s) => !(Number.isInteger(s) && s >= 0 && s <= length));
      if (seen.length !== layers || bad >= 0)
        throw new ArgumentError(
          `efficiencyLedger: seen must have an integer in [0, ${length}] for each of the ${layers} layers, got [${Array.from(seen).join(', ')}].`,
        );
      counts.steps += 1;
      counts.tokens += sequences * length;
      counts.fullLayerTokens += sequences * length * layers;
      counts.fullFlops += 3 * sequences * layers * blockFlops(length, hidden, intermediate);
      for (let l = 0; l < layers; l++) {
        counts.layerTokens += sequences * seen[l]!;
        counts.flops += 3 * sequences * blockFlops(seen[l]!, hidden, intermediate);
      }
    },
    counts: () => ({ ...counts }),
  };
}
