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
