// Compiles the kernels, once without and once with relaxed SIMD.
import { buildKernels } from '@ockham/assembly';

const shared = ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
const float32 = ['src/kernels/assembly/index.ts', '--importMemory'];

await buildKernels(
  new URL('../', import.meta.url),
  {
    simd: float32,
    relaxed: [...float32, '--enable', 'relaxed-simd'],
    commReduce: ['src/kernels/assembly/comm-reduce.ts', '--importMemory', ...shared],
    linalg: ['src/kernels/assembly/linalg.ts', '--initialMemory', '12'],
  },
  { packed: ['simd', 'relaxed'] },
);
