/** What the page asks. `train` teaches the base plain speech and adapters the slang. */
export type LoraCommand =
  | { readonly do: 'train'; readonly seed: number; readonly rank: number }
  | { readonly do: 'merge'; readonly merged: boolean }
  | { readonly do: 'read'; readonly text: string };

/** Accuracies on sentences that nothing learnt from, in [0, 1]. */
export interface Accuracies {
  readonly plain: number;
  readonly slang: number;
}

/** What the adapters cost. */
export interface AdapterCost {
  readonly trainable: number;
  readonly base: number;
  readonly adapterBytes: number;
  readonly baseBytes: number;
}

/** What the page hears. */
export type LoraReport =
  | { readonly kind: 'base'; readonly pass: number; readonly of: number; readonly base: Accuracies }
  | { readonly kind: 'cost'; readonly cost: AdapterCost }
  | { readonly kind: 'adapter'; readonly pass: number; readonly of: number; readonly adapted: Accuracies }
  | {
      readonly kind: 'merged';
      readonly merged: boolean;
      /** Of 32 sentences, median in milliseconds, on this machine. */
      readonly latency: number;
      readonly adapted: Accuracies;
      /** Whether the base still says what it said before the adapters, to the bit. */
      readonly baseUnchanged: boolean;
    }
  | {
      readonly kind: 'verdict';
      readonly text: string;
      readonly unknown: readonly string[];
      /** Chance of praise by the base, and by base and adapters. */
      readonly base: number;
      readonly adapted: number | undefined;
    };
