import { checkQuantizedProducts } from '@ockham/core/kernels';
import { backend } from '@tensorflow/tfjs-core';

const passed = new WeakSet<object>();

/**
 * Refuses an engine whose quantised products differ from the reference; asked once for each engine.
 *
 * @throws OckhamError `engine-differs`.
 */
export async function checkEngine(): Promise<void> {
  const engine = backend();
  if (passed.has(engine)) return;
  await checkQuantizedProducts();
  passed.add(engine);
}
