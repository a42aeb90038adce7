/**
 * Long work as a generator that yields wherever it may pause, so that one body serves the caller who waits and the one
 * whose event loop has to go on.
 */

/** Work that may pause at each yield and ends with what it made. */
export type Steps<R> = Generator<undefined, R, undefined>;

/** Milliseconds of work between two turns of the event loop: a page that is drawn 60 times a second has 17. */
const SLICE = 15;

/** Runs to the end without a pause. */
export function finish<R>(steps: Steps<R>): R {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Runs to the end with turns of the event loop in between, in which timers, messages and an `abort()` come through. */
export async function finishAsync<R>(steps: Steps<R>): Promise<R> {
  const breathe = breather();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await breathe();
  }
}

/** A function that gives the event loop a turn, once enough time has gone since the last. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < SLICE) return;
    await turn();
    last = performance.now();
  };
}

/** A turn of the event loop, by a message to ourselves: a timer would take 1 ms in Node, and 4 in a page. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
