// Compiles the kernels once for each kind of engine.
import { buildKernels } from '@ockham/assembly';

const relaxed = ['--enable', 'relaxed-simd'];
const shared = ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
const float32 = ['src/kernels/assembly/index.ts', '--importMemory'];

await buildKernels(new URL('../', import.meta.url), {
  simd: float32,
  simdShared: [...float32, ...shared],
  relaxed: [...float32, ...relaxed],
  relaxedShared: [...float32, ...relaxed, ...shared],
  commReduce: ['src/kernels/assembly/comm-reduce.ts', '--importMemory', ...shared],
  linalg: ['src/kernels/assembly/linalg.ts', '--initialMemory', '12'],
});
