import { AbortedError } from '@ockham/core';

/** A turn of the event loop of at least so many milliseconds, in which messages come through. */
export async function pause(milliseconds = 0): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @throws AbortedError once the visitor has pressed Stop. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new AbortedError('The visitor stopped it.');
}
