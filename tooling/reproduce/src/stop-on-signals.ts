/** An abort signal that follows Ctrl-C and `kill`. */
export interface Stop {
  readonly signal: AbortSignal;
  /** As the first signal does. */
  abort(): void;
  /** Gives the signals back to the system. */
  release(): void;
}

/** The first Ctrl-C aborts and lets work keep its state; another one, a second or more later, ends the process. */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  let first = 0;
  const abort = (): void => {
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort(new Error('stopped by a signal'));
  };
  const onSignal = (): void => {
    // A terminal signals the whole process group, and a parent may pass the same Ctrl-C on once more.
    if (controller.signal.aborted && performance.now() - first > 1000) process.exit(130);
    abort();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    abort,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
