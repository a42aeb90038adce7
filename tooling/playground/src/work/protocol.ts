/** The exhibits, by the name that address, worker and tests know them by. */
export type ExhibitName = 'digits' | 'pruning' | 'lora' | 'hydrogen' | 'embeddings';

/** What a page tells its worker: first which exhibit to open, then commands, and stop. */
export type ToWorker =
  | { readonly open: ExhibitName; readonly digits: string }
  | { readonly id: number; readonly command: unknown }
  | { readonly stop: true };

/** What it hears: reports on the way, and of each command that it is done, was stopped, or why it failed. */
export type FromWorker =
  | { readonly report: unknown }
  | { readonly id: number; readonly ended: 'done' | 'stopped' }
  | { readonly id: number; readonly failure: string };

/** Opens an exhibit's work: gives what carries out its commands, one after the other or at the same time. */
export type OpenWork<Command, Report> = (
  report: (report: Report) => void,
  resources: Resources,
) => (command: Command, signal: AbortSignal) => Promise<void>;

/** What the worker has for all exhibits. */
export interface Resources {
  /** Address of the digits that ship with the page. */
  readonly digits: string;
}
