import { buildKernels } from '@ockham/assembly';

await buildKernels(new URL('../', import.meta.url), {
  stateKernels: ['src/kernels/assembly/index.ts', '--importMemory'],
});
