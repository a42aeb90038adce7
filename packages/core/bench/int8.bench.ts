/**
 * A product of 1024 × 1024 matrices in int8 with int32 sums beside ours in float32, one thread. From packages/core:
 *
 *     node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only int8
 *
 * The bench harness stands on this package, so that nothing of it is imported here.
 */
import { bindKernels, compileKernels, hasRelaxedSimd } from '@ockham/core/kernels';
import { Random } from '@ockham/core/random';

const N = 1024;

export default {
  id: 'core/int8',
  ownEngines: true,
  question: 'How fast is a product of 1024 × 1024 matrices in int8, beside float32?',
  rounds: 30,
  warmup: 5,
  against: {
    int8: 'float32',
    'float32 without relaxed SIMD': 'float32',
    'int8 without relaxed SIMD': 'float32 without relaxed SIMD',
  },
  async prepare() {
    const memory = new WebAssembly.Memory({ initial: 400, maximum: 400 });
    const random = new Random(7);
    const [a, b, c, workspace] = [1, 2, 3, 4].map((i) => i * 4 * N * N) as [number, number, number, number];
    const float = Float32Array.from({ length: 2 * N * N }, () => random.normal());
    new Float32Array(memory.buffer, a, 2 * N * N).set(float);
    const [a8, b8] = [20, 21].map((i) => i * N * N) as [number, number];
    new Int8Array(memory.buffer, a8, N * N).set(float.subarray(0, N * N).map((v) => 30 * v));
    new Int8Array(memory.buffer, b8, N * N).set(float.subarray(N * N).map((v) => 30 * v));
    const variants: Record<string, () => void> = {};
    for (const relaxed of hasRelaxedSimd() ? [true, false] : [false]) {
      const kernels = bindKernels(await compileKernels({ relaxed }), memory);
      const name = relaxed || !hasRelaxedSimd() ? '' : ' without relaxed SIMD';
      variants[`float32${name}`] = () => kernels.gemm(false, false, N, N, N, a, N, b, N, c, N, workspace);
      variants[`int8${name}`] = () => kernels.int8Gemm(N, N, N, a8, N, b8, N, c, workspace);
    }
    return { variants };
  },
};
