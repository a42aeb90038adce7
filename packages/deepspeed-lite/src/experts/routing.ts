/**
 * Which expert sees which token: the one or two of highest probability, as long as they have room.
 *
 * Source: Fedus, Zoph and Shazeer 2021, Switch transformers, equations 2 to 4; Lepikhin et al. 2020, GShard, Algorithm 1.
 *
 * Deviations: GShard's second expert is always asked, not at random; its balance loss is Switch's, E·Σ fₑ·Pₑ, for both.
 */
import { ArgumentError } from '@ockham/core';

/** Options of {@link routeTokens}. */
export interface RoutingOptions {
  /** Experts of a token, 1 (Switch) or 2 (GShard). Default 1. */
  readonly top?: 1 | 2;
  /** Room of an expert: ⌈factor · top · tokens / experts⌉. Default 1.25. */
  readonly capacityFactor?: number;
}

/** Where each token goes. */
export interface Routing {
  /** Number of tokens. */
  readonly tokens: number;
  /** E, number of experts. */
  readonly experts: number;
  /** Experts of each token. */
  readonly top: 1 | 2;
  /** C: places of each expert. */
  readonly capacity: number;
  /** `[tokens, top]`: the expert of each choice. */
  readonly expert: Int32Array;
  /** `[tokens, top]`: its row in `[experts · C]`, −1 where the expert had no room. */
  readonly row: Int32Array;
  /** Choices that found no room. */
  readonly dropped: number;
}

/**
 * Routes tokens in their order, all first choices before the second; ties go to the lower expert.
 *
 * @param probabilities `[tokens, experts]`.
 * @throws ArgumentError for sizes that do not fit and options out of range.
 * @throws ArgumentError for a probability that is not finite, with the token.
 */
export function routeTokens(
  probabilities: Float32Array,
  experts: number,
  { top = 1, capacityFactor = 1.25 }: RoutingOptions = {},
): Routing {
  const tokens = probabilities.length / experts;
  checkRouting('routeTokens', experts, top, capacityFactor);
  if (!Number.isInteger(tokens))
    throw new ArgumentError(
      `routeTokens: there must be a probability for each of ${experts} experts and token, got ${probabilities.length}.`,
    );
  const bad = probabilities.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0)
    throw new ArgumentError(
      `routeTokens: probabilities must be finite, got ${probabilities[bad]} for token ${Math.floor(bad / experts)}. Look for a loss that is not.`,
    );
  const capacity = Math.ceil((capacityFactor * top * tokens) / experts);
  const expert = new Int32Array(tokens * top);
  const row = new Int32Array(tokens * top).fill(-1);
  const taken = new Int32Array(experts);
  let dropped = 0;
  for (let choice = 0; choice < top; choice++) {
    for (let t = 0; t < tokens; t++) {
      const not = choice === 0 ? -1 : expert[t * top]!;
      let best = not === 0 ? 1 : 0;
      for (let e = best + 1; e < experts; e++)
        if (e !== not && probabilities[t * experts + e]! > probabilities[t * experts + best]!) best = e;
      expert[t * top + choice] = best;
      if (taken[best]! >= capacity) dropped++;
      else row[t * top + choice] = best * capacity + taken[best]!++;
    }
  }
  return { tokens, experts, top, capacity, expert, row, dropped };
}

/** The token of each row of `[experts · C]`, −1 for a place that stays empty. */
export function tokenOfRow({ experts, capacity, top, row }: Routing): Int32Array {
  const token = new Int32Array(experts * capacity).fill(-1);
  row.forEach((place, i) => {
    if (place >= 0) token[place] = Math.floor(i / top);
  });
  return token;
}

/** fₑ: the part of the tokens whose first choice is each expert, room or not. */
export function firstChoices({ tokens, experts, top, expert }: Routing): Float32Array {
  const counts = new Float64Array(experts);
  for (let t = 0; t < tokens; t++) counts[expert[t * top]!] = counts[expert[t * top]!]! + 1;
  return Float32Array.from(counts, (count) => count / tokens);
}

/** Refuses what {@link routeTokens} does, before there are tokens. */
export function checkRouting(who: string, experts: number, top: number, capacityFactor: number): void {
  if (top !== 1 && top !== 2) throw new ArgumentError(`${who}: top must be 1 or 2, got ${String(top)}.`);
  if (!(Number.isInteger(experts) && experts >= top))
    throw new ArgumentError(`${who}: experts must be an integer ≥ top = ${top}, got ${experts}.`);
  if (!(capacityFactor > 0 && capacityFactor < Infinity))
    throw new ArgumentError(`${who}: capacityFactor must be finite and above 0, got ${capacityFactor}.`);
}
