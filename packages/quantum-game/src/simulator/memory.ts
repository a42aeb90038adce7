import { ArgumentError } from '@ockham/core';

/** What a WebAssembly memory can hold; a plain array may hold less. */
const MOST_BYTES = 2 ** 32 - 2 ** 24;

/**
 * @throws ArgumentError where `states` states of `qubits` qubits, 16 bytes for each amplitude, do not fit.
 */
export function checkMemory(who: string, qubits: number, states: number, limit: number = MOST_BYTES): void {
  const bytes = states * 16 * 2 ** qubits;
  if (bytes > limit) {
    throw new ArgumentError(
      `${who}: ${states} ${states === 1 ? 'state' : 'states'} of ${qubits} qubits ${states === 1 ? 'needs' : 'need'} ` +
        `${bytes.toLocaleString('en')} bytes, and ${limit.toLocaleString('en')} are at hand. Use fewer qubits.`,
    );
  }
}

/**
 * Runs `make`, which allocates the states.
 *
 * @throws ArgumentError where the engine refuses the memory, which it does with a RangeError.
 */
export function allocating<T>(who: string, qubits: number, states: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ArgumentError(
      `${who}: ${states} states of ${qubits} qubits need ${(states * 16 * 2 ** qubits).toLocaleString('en')} bytes, ` +
        `which could not be allocated (${cause.message}). Use fewer qubits, or free memory.`,
    );
  }
}
