import type { Split } from '@ockham/core';
import type { Example } from '../image.ts';

/** What a stream is run with: the cold-start learner and every baseline. */
export interface StreamLearner {
  /** Learns from one new example, or from several that arrived together. */
  observe(examples: Example | readonly Example[]): Promise<unknown>;
  /**
   * Scores of each class for each example, `[size, classes]`, row-major; the highest is the prediction. Never-seen
   * classes may have −∞.
   */
  scores(inputs: Split): Promise<ArrayLike<number>>;
  /** Bytes kept of the stream beside the model's weights, at this moment. */
  readonly bytes: number;
  /** Optimizer steps so far. */
  readonly updates: number;
  /** Examples that went forward and backward through the model so far, repeats counted: the compute. */
  readonly trained: number;
  /** Called before a test, for methods that train only then. */
  settle?(): Promise<void>;
  /** Frees what the learner made; the model that it was given is the caller's. */
  dispose(): void;
}
