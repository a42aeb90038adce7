import { setBackend, ready } from '@tensorflow/tfjs-core';
/** Placeholder until the native loader lands. */
export async function useBackend(_: string): Promise<void> { await setBackend('cpu'); await ready(); }
