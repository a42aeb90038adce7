/**
 * Steps of several layers, side by side: each pauses where its work passes between the engine and float64 here, and all
 * are taken to their next pause in turns, since the threads of the native engine fall asleep in every gap.
 */
import { tidy } from '@tensorflow/tfjs-core';

/** A computation that pauses. */
export type Paused<T> = Generator<undefined, T, undefined>;

/** Runs all to their ends and disposes of what they have not kept. */
export function inTurns<T>(all: readonly Paused<T>[]): T[] {
  const results: T[] = [];
  tidy(() => {
    let running = [...all.entries()];
    while (running.length > 0) {
      running = running.filter(([i, one]) => {
        const { done, value } = one.next();
        if (done) results[i] = value;
        return !done;
      });
    }
  });
  return results;
}
