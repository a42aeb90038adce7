import type { ExhibitName, FromWorker, ToWorker } from '../work/protocol.ts';

/** How a command ended. */
export type Ending = 'done' | 'stopped';

interface Waiting {
  readonly resolve: (ending: Ending) => void;
  readonly reject: (error: Error) => void;
}

/** The page's end of one exhibit's worker, which starts with the first command. */
export class WorkerLine {
  readonly #exhibit: ExhibitName;
  readonly #hear: (report: unknown) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #last = 0;

  constructor(exhibit: ExhibitName, hear: (report: unknown) => void) {
    this.#exhibit = exhibit;
    this.#hear = hear;
  }

  /** @throws Error with the worker's words where the command fails. */
  async run(command: unknown): Promise<Ending> {
    const worker = (this.#worker ??= this.#open());
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, command } satisfies ToWorker);
    });
  }

  /** Ends what runs, as soon as it can; what was learnt stays. */
  stop(): void {
    this.#worker?.postMessage({ stop: true } satisfies ToWorker);
  }

  /** Ends the worker and forgets everything. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { resolve } of this.#waiting.values()) resolve('stopped');
    this.#waiting.clear();
  }

  #open(): Worker {
    const worker = new Worker(new URL('../work/worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (worker !== this.#worker) return;
      if ('report' in data) {
        this.#hear(data.report);
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ('failure' in data) waiting?.reject(new Error(data.failure));
      else waiting?.resolve(data.ended);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(
        `The worker of this exhibit did not run: ${event.message || 'its script did not load'}. Load the page again.`,
      );
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      worker.terminate();
      this.#worker = undefined;
    };
    const digits = new URL('digits.bin', document.baseURI).href;
    worker.postMessage({ open: this.#exhibit, digits } satisfies ToWorker);
    return worker;
  }
}
