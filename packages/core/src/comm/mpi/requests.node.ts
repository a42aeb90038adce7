import { CommError } from '../comm-error.ts';
import type { Mpi, Out } from './functions.node.ts';

/** A call that did not end well. */
export function checkCode(what: string, code: number): void {
  if (code !== 0)
    throw new CommError(
      'rank-lost',
      `mpi: ${what} must succeed, but failed with MPI error ${code}. A rank is gone, or ranks disagree.`,
    );
}

interface Pending {
  readonly request: Out;
  readonly since: number;
  /** Whom and what it waits for. */
  readonly rank: number;
  readonly what: string;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

/** Looks before the event loop gets its turn. */
const LOOKS = 40;
/** Milliseconds of looking at every turn of the event loop, before it sleeps between looks. */
const EAGER = 2;

/** Asks for the end of non-blocking calls in turns of the event loop, so that nothing blocks and every wait has a deadline. */
export class Requests {
  readonly #mpi: Mpi;
  readonly #deadline: number;
  #pending: Pending[] = [];
  #asking = false;

  constructor(mpi: Mpi, deadline: number) {
    this.#mpi = mpi;
    this.#deadline = deadline;
  }

  /** Until the request is done; `keep` must not be collected before. */
  wait(request: Out, rank: number, what: string, keep?: unknown): void | Promise<void> {
    for (let look = 0; look < LOOKS; look++) if (this.#isDone(request)) return;
    return new Promise<void>((done, fail) => {
      this.#pending.push({ request, since: performance.now(), rank, what, done, fail });
      if (!this.#asking) this.#ask();
    }).then(() => void keep);
  }

  #isDone(request: Out): boolean {
    const flag = [0];
    checkCode('a message', this.#mpi.call.Test(request, flag, this.#mpi.ignoreStatus));
    return flag[0] !== 0;
  }

  #ask(): void {
    this.#asking = true;
    const now = performance.now();
    const left: Pending[] = [];
    for (const pending of this.#pending.splice(0)) {
      try {
        if (this.#isDone(pending.request)) pending.done();
        else if (now - pending.since > this.#deadline) pending.fail(this.#silent(pending));
        else left.push(pending);
      } catch (error) {
        pending.fail(error as Error);
      }
    }
    this.#pending = [...left, ...this.#pending];
    const [oldest] = this.#pending;
    if (!oldest) this.#asking = false;
    else if (now - oldest.since < EAGER) setImmediate(() => this.#ask());
    else setTimeout(() => this.#ask(), 1);
  }

  #silent({ rank, what }: Pending): CommError {
    return new CommError(
      'rank-silent',
      `${what}: every rank must come within the deadline of ${this.#deadline / 1000} s, but rank ${rank} did not. Look for an endless loop or a call that only some ranks make, or raise the deadline.`,
      { rank },
    );
  }
}
