/** How a rank waits until a word of the shared memory changes. */

/** Until `words[at]` is no longer `value`. */
export interface Wait {
  readonly at: number;
  readonly value: number;
}

/** Milliseconds that a thread may sleep without turning to its other work. */
const BLOCK = 2;
/** Milliseconds after which a sleeper looks whether all is well. */
const SLICE = 50;

/** What a waiter needs. */
export interface WaiterOptions {
  readonly words: Int32Array;
  /** Looks before it sleeps; few where ranks share a core, since the one that is waited for needs it. */
  readonly looks: number;
  /** Throws if there is no use in waiting, since someone died, or for `waited` milliseconds. */
  check(waited: number): void;
}

/** Steps that stop wherever they have to wait. */
export type Steps<R> = Generator<Wait, R, undefined>;

/**
 * Takes the steps. A wait looks a while, then blocks the thread for {@link BLOCK} ms at most, and only then turns to the event loop:
 * most waits end within microseconds, and a thread that never returned could not run what others wait for.
 */
export function takeSteps<R>(steps: Steps<R>, options: WaiterOptions): R | Promise<R> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    if (!waitShortly(step.value, options)) return takeSlowly(steps, step.value, options);
  }
}

async function takeSlowly<R>(steps: Steps<R>, first: Wait, options: WaiterOptions): Promise<R> {
  let wait = first;
  for (;;) {
    const started = performance.now();
    while (!changed(wait, options)) {
      options.check(performance.now() - started);
      await sleep(wait, options.words);
    }
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      wait = step.value;
      if (!waitShortly(wait, options)) break;
    }
  }
}

function changed({ at, value }: Wait, { words }: WaiterOptions): boolean {
  return Atomics.load(words, at) !== value;
}

function waitShortly(wait: Wait, options: WaiterOptions): boolean {
  const { words, looks } = options;
  for (let look = 0; look < looks; look++) if (Atomics.load(words, wait.at) !== wait.value) return true;
  if (isShared(words)) {
    try {
      Atomics.wait(words, wait.at, wait.value, BLOCK);
    } catch {
      // the main thread of a page may not block
    }
  } else {
    for (let nap = 0; nap < 20 * BLOCK && !changed(wait, options); nap++) Atomics.wait(PILLOW, 0, 0, 0.05);
  }
  return changed(wait, options);
}

/** Where threads of other processes write, nothing wakes a sleeper: it naps on a word of its own. */
const PILLOW: Int32Array =
  typeof SharedArrayBuffer === 'undefined' ? new Int32Array(1) : new Int32Array(new SharedArrayBuffer(4));

function isShared(words: Int32Array): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && words.buffer instanceof SharedArrayBuffer;
}

type WaitAsync = (
  words: Int32Array,
  at: number,
  value: number,
  timeout: number,
) => { readonly async: boolean; readonly value: unknown };

/** Ends after {@link SLICE} ms at the latest; the timer keeps Node alive, which a wait on memory does not. */
function sleep({ at, value }: Wait, words: Int32Array): Promise<void> {
  const { waitAsync } = Atomics as { waitAsync?: WaitAsync };
  return new Promise((resolve) => {
    const can = waitAsync !== undefined && isShared(words);
    const timer = setTimeout(resolve, can ? SLICE : 1);
    if (!can) return;
    const wake = waitAsync(words, at, value, SLICE);
    void Promise.resolve(wake.value).then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
