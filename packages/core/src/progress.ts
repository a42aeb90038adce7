/** One report of long work. `done` counts from 0 to `total` within a `stage`. */
export interface ProgressEvent {
  /** What is being done, for example `train` or `prune 3/10`. */
  readonly stage: string;
  /** Units of work that are done, in [0, `total`]. */
  readonly done: number;
  /** Units of work of the stage. */
  readonly total: number;
  /** Figures worth showing, for example `{ loss: 0.12 }`. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Receives progress; must return quickly and may not throw. */
export type Progress = (event: ProgressEvent) => void;
