interface Event {
  readonly at: number;
  readonly happen: () => void;
}

/** Milliseconds that a rank may be busy with what is not on the clock: files, a digest. */
const PATIENCE = 1000;

/** A clock that goes on to the next event once nobody has anything to do any more. */
export class VirtualClock {
  /** Seconds. */
  now = 0;
  /** By time; those of one time in the order in which they were made. */
  #events: Event[] = [];
  readonly #waiting = new Set<(error: Error) => void>();
  #failure: Error | undefined;

  after(seconds: number): Promise<void> {
    return this.wait((happen) => {
      const at = this.now + seconds;
      const later = this.#events.findIndex((event) => event.at > at);
      this.#events.splice(later < 0 ? this.#events.length : later, 0, { at, happen });
    });
  }

  /** A promise that {@link VirtualClock.fail} rejects. */
  wait<T = void>(start: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const done = (value: T): void => {
        this.#waiting.delete(reject);
        resolve(value);
      };
      start(done, reject);
    });
  }

  /** From now on everybody who waits gets the error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#events = [];
    for (const reject of this.#waiting) reject(this.#failure);
    this.#waiting.clear();
  }

  /** Runs until `end`; `stuck` says why if nothing happens any more before. */
  async run(end: Promise<unknown>, stuck: () => Error): Promise<void> {
    let over = false;
    void end.then(() => (over = true));
    let idle: number | undefined;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve)); // everybody has had a turn
      if (over) return;
      const event = this.#events.shift();
      if (event) {
        idle = undefined;
        this.now = event.at;
        event.happen();
        while (this.#events[0]?.at === event.at) this.#events.shift()!.happen();
      } else if (this.#waiting.size > 0) {
        idle ??= performance.now();
        if (performance.now() - idle > PATIENCE) this.fail(stuck());
      }
    }
  }
}
