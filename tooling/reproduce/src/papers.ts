import { ArgumentError } from '@ockham/core';

/** What stands here for one figure or table of a paper. */
export type Answer =
  /** Figures of experiments, `<package>/<experiment>#<figure>`; the status is computed from their claims. */
  | { readonly figures: readonly [string, ...string[]]; readonly note?: string }
  /** Nothing is measured there, or it cannot be measured here: why, and the tests that hold what it shows. */
  | { readonly notTestable: string; readonly tests?: readonly string[] };

/** A paper, a talk: everything numbered or drawn in it, and what answers to each. */
export interface Paper {
  readonly title: string;
  /** By label (`Figure 1`, `Table 1`, or where it stands if it has no number), in the paper's order: what it shows. */
  readonly prints: Readonly<Record<string, string>>;
  /** By the same labels. */
  readonly answers: Readonly<Record<string, Answer>>;
}

/** A package's one figure in the root README: our figures of one claim, put in place of `{ours}` in `say`. */
export interface Headline {
  /** `<package>/<experiment>#<figure>`. */
  readonly figure: string;
  /** The text of the claim. */
  readonly claim: string;
  readonly say: string;
}

/** What `reproduce/papers.ts` of a package exports by default. */
export interface PackagePapers {
  /** What the package does to a model, in a clause; for the root README. */
  readonly effect: string;
  readonly papers: readonly Paper[];
  readonly headline: Headline;
}

/**
 * Declares a paper. That every label has an answer is checked by the compiler, and once more by the tests.
 *
 * @example
 * paper({
 *   title: 'A study of lines',
 *   prints: { 'Table 1': 'the network', 'Figure 1': 'y against x' },
 *   answers: {
 *     'Table 1': { notTestable: 'It describes the network.', tests: ['packages/core/test/models.test.ts'] },
 *     'Figure 1': { figures: ['toy/line#line'] },
 *   },
 * })
 */
export function paper<const Label extends string>(declared: {
  readonly title: string;
  readonly prints: Readonly<Record<Label, string>>;
  readonly answers: Readonly<Record<NoInfer<Label>, Answer>>;
}): Paper {
  return declared;
}

/** `<package>/<experiment>#<figure>` in its two parts. */
export function splitReference(reference: string): { experiment: string; figure: string } {
  const [experiment, figure] = reference.split('#');
  if (!experiment || !figure) {
    throw new ArgumentError(
      `papers: a reference must be <package>/<experiment>#<figure>, got ${reference}. Name the figure after a #.`,
    );
  }
  return { experiment, figure };
}
