/** What the page asks: a game from a seed, with a pause between rounds for the eye, in milliseconds. */
export interface HydrogenCommand {
  readonly seed: number;
  readonly optimizer: 'lbfgs' | 'adam';
  readonly pause: number;
}

/** What the page hears; energies in hartree, nuclear repulsion included, rising. */
export type HydrogenReport =
  | { readonly kind: 'exact'; readonly energies: readonly number[] }
  | {
      readonly kind: 'round';
      readonly round: number;
      readonly energies: readonly number[];
      readonly rests: boolean;
    }
  | {
      readonly kind: 'verdict';
      readonly passed: boolean;
      readonly rounds: number;
      readonly gradients: number;
      readonly milliseconds: number;
    };
