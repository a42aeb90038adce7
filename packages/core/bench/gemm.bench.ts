/** A product of two 1024 × 1024 matrices on one thread: our kernels beside the stock engine's, native and PyTorch. */
import { Random } from '@ockham/core/random';
import { bindKernels, compileKernels, hasRelaxedSimd } from '@ockham/core/kernels';
import { noPython } from '../../../tooling/bench/src/tools.ts';
import type { Bench } from '../../../tooling/bench/src/bench.ts';

const relaxed = 'ours, relaxed SIMD';
const plain = 'ours, SIMD';
const stock = 'wasm, stock';
const native = 'native, 1 thread';
const pytorch = 'PyTorch, 1 thread';

const gemm: Bench = {
  id: 'core/gemm',
  question: 'How fast is a product of two 1024 × 1024 matrices on one thread?',
  rounds: 15,
  warmup: 3,
  seed: 7,
  pause: 20,
  ownEngines: true,
  against: {
    [relaxed]: { [stock]: 1.3, [native]: 0, [pytorch]: 0 },
    [plain]: { [stock]: 1 },
  },
  async prepare({ smoke, work, python }) {
    const n = smoke ? 128 : 1024;
    const variants: Record<string, () => void | Promise<void>> = { [plain]: await product(n, false) };
    const skipped: Record<string, string> = {};
    const versions: Record<string, string> = {};
    if (hasRelaxedSimd()) variants[relaxed] = await product(n, true);
    else skipped[relaxed] = 'this Node has no relaxed SIMD: 22 has';
    for (const [label, engine] of [
      [stock, 'stock'],
      [native, 'tensorflow'],
    ] as const) {
      try {
        const child = await work(new URL('steps.work.ts', import.meta.url), { engine, threads: 1, smoke });
        variants[label] = () => child.run('gemm');
        Object.assign(versions, child.versions);
      } catch (error) {
        if (engine === 'stock') throw error;
        skipped[label] = 'the native engine does not load: `pnpm native` builds it';
      }
    }
    const peer = await python(new URL('steps_peer.py', import.meta.url), ['1', smoke ? '1' : '0']);
    if (peer) {
      variants[pytorch] = () => peer.run('gemm');
      Object.assign(versions, peer.versions);
    } else skipped[pytorch] = noPython;
    return { variants, skipped, versions };
  },
};

export default gemm;

async function product(n: number, fused: boolean): Promise<() => void> {
  const bytes = 4 * n * n;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((3 * bytes) / 65_536) + 64 });
  const kernels = bindKernels(await compileKernels({ relaxed: fused }), memory);
  const [a, b, c] = [65_536, 65_536 + bytes, 65_536 + 2 * bytes];
  const work = c + bytes;
  const missing = Math.ceil((work + kernels.workspaceBytes() - memory.buffer.byteLength) / 65_536);
  if (missing > 0) memory.grow(missing);
  const random = new Random(7);
  new Float32Array(memory.buffer, a, 2 * n * n).forEach((_, i, values) => (values[i] = random.normal()));
  return () => kernels.gemm(false, false, n, n, n, a, n, b, n, c, n, work);
}
