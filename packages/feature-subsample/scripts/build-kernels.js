import { buildKernels } from '@ockham/assembly';

await buildKernels(new URL('../', import.meta.url), {
  gradientKernels: ['src/kernels/assembly/index.ts', '--importMemory'],
});
