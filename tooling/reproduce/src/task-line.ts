import type { ListrTask, ListrTaskWrapper } from 'listr2';
import { throttle } from './progress-line.ts';

type Shown = Pick<ListrTaskWrapper<unknown, never, never>, 'title' | 'output' | 'skip'>;

/** A line of the list that is shown while experiments run: one experiment, or several under one heading. */
export class TaskLine {
  readonly #heading: string;
  #task: Shown | undefined;
  #expected = 0;
  #ended = 0;
  #error: Error | undefined;
  #finish!: () => void;
  readonly #finished = new Promise<void>((resolve) => (this.#finish = resolve));
  readonly #show = throttle(
    (text) => {
      if (this.#task) this.#task.output = text;
    },
    process.stdout.isTTY ? 100 : 20_000,
  );

  constructor(heading: string) {
    this.#heading = heading;
  }

  /** One more experiment belongs to it. */
  expect(): void {
    this.#expected++;
  }

  /** Where an experiment is. */
  show(text: string, matters: boolean): void {
    this.#show(text, matters);
  }

  /** An experiment has ended, well or not. */
  end(text: string, error?: Error): void {
    this.#ended++;
    this.#error ??= error;
    if (this.#task && this.#expected === 1) this.#task.title = text;
    else if (this.#task) {
      this.#task.output = text;
      this.#task.title = `${this.#heading}: ${this.#ended} of ${this.#expected} experiments`;
    }
    if (this.#ended === this.#expected) this.#finish();
  }

  /** Nothing more will come. */
  close(): void {
    if (this.#ended < this.#expected && !this.#error) this.#task?.skip(`${this.#heading}: stopped`);
    this.#finish();
  }

  /** For the list. */
  get task(): ListrTask {
    return {
      title: this.#heading,
      task: async (_, task) => {
        this.#task = task;
        await this.#finished;
        if (this.#error) throw this.#error;
      },
    };
  }
}
