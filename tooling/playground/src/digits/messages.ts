/** What the page asks of the learner. */
export type DigitsCommand =
  | { readonly do: 'stream'; readonly seed: number; readonly order: StreamOrder }
  | { readonly do: 'teach'; readonly seed: number; readonly pixels: Uint8Array; readonly label: number }
  | { readonly do: 'believe'; readonly seed: number; readonly pixels: Uint8Array };

/** Whether the digits come mixed, or all zeros first, then all ones and so on. */
export type StreamOrder = 'mixed' | 'by class';

/** Where the learner stands. */
export interface LearnerState {
  /** Examples learnt from so far, and how many of them the visitor taught. */
  readonly examples: number;
  readonly taught: number;
  /** Digits that it knows, in the order in which they came. */
  readonly classes: readonly number[];
  readonly kept: number;
  readonly bytes: number;
  /** What the kept images would take as bytes, uncompressed. */
  readonly plainBytes: number;
}

/** What the page hears. */
export type DigitsReport =
  | { readonly kind: 'state'; readonly state: LearnerState }
  | { readonly kind: 'accuracy'; readonly examples: number; readonly all: number; readonly seen: number }
  | { readonly kind: 'buffer'; readonly images: Uint8Array; readonly labels: readonly number[] }
  | { readonly kind: 'belief'; readonly probabilities: readonly number[] | undefined };

/** Examples that the replay buffer holds at most. */
export const CAPACITY = 300;
/** Of them, those that the page shows. */
export const SHOWN = 100;
/** Digits in the stream. */
export const STREAM = 2000;
/** Digits that accuracy is measured on. */
export const HELD_OUT = 500;
