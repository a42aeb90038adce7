import { buildKernels } from '@ockham/assembly';

await buildKernels(new URL('../', import.meta.url), {
  sketch: ['src/kernels/assembly/index.ts', '--importMemory'],
});
