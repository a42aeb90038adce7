/** The next token from its scores. */
import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';

/** How a token is chosen. */
export interface SamplingOptions {
  /** Scores are divided by it, ≥ 0; 0, the default, takes the highest score: greedy decoding. */
  readonly temperature?: number;
  /** Only the so many highest scores can be chosen, ≥ 1. Default all. */
  readonly topK?: number;
  /** Only the fewest tokens whose probabilities add up to it can be chosen, in (0, 1]. Default 1 (Holtzman et al. 2020, section 3.1). */
  readonly topP?: number;
}

/** @throws ArgumentError naming `who` for an option out of range. */
export function checkSampling(
  who: string,
  { temperature = 0, topK = Infinity, topP = 1 }: SamplingOptions,
): void {
  if (!(temperature >= 0 && temperature < Infinity))
    throw new ArgumentError(
      `${who}: temperature must be finite and ≥ 0, got ${temperature}. 0 is greedy decoding.`,
    );
  if (!(topK >= 1 && (Number.isInteger(topK) || topK === Infinity)))
    throw new ArgumentError(
      `${who}: topK must be an integer ≥ 1, got ${topK}. Leave it out to choose among all tokens.`,
    );
  if (!(topP > 0 && topP <= 1))
    throw new ArgumentError(`${who}: topP must be in (0, 1], got ${topP}. 1 keeps every token.`);
}

/** The token with the highest score, the first of equal ones. */
export function greedyToken(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

/** Draws a token. */
export function sampleToken(
  scores: Float32Array,
  { temperature = 0, topK = Infinity, topP = 1 }: SamplingOptions,
  random: Random,
): number {
  if (temperature === 0) return greedyToken(scores);
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const most = scores[order[0]!]!;
  const kept = order.slice(0, topK);
  const weights = kept.map((token) => Math.exp((scores[token]! - most) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let [count, mass] = [0, 0];
  while (count < kept.length && mass < topP * total) mass += weights[count++]!;
  let left = random.uniform() * mass;
  for (let i = 0; i < count; i++) {
    left -= weights[i]!;
    if (left < 0) return kept[i]!;
  }
  return kept[Math.max(0, count - 1)]!;
}
