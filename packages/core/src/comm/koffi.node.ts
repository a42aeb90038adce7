/** The package koffi, which calls functions of native libraries. */
import { createRequire } from 'node:module';
import { CommError } from './comm-error.ts';

/** What koffi gives; it is an optional dependency, so that its types are not relied on. */
export interface Koffi {
  config(options: { async_stack_size: number }): unknown;
  /** A library; null is the process itself, with that of C. */
  load(path: string | null): { symbol(name: string): unknown; func(prototype: string): NativeFunction };
  view(pointer: unknown, bytes: number): ArrayBuffer;
}

export type NativeFunction = ((...values: readonly unknown[]) => unknown) & {
  async(...values: readonly unknown[]): void;
};

/** @throws CommError `comm-unavailable` where it is not installed. */
export function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw new CommError(
      'comm-unavailable',
      'comm: this transport needs the package koffi. Install it: npm install koffi.',
      { cause },
    );
  }
}
