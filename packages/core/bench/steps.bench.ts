/** Training steps of three networks, on every engine and in PyTorch. */
import { noPython } from '../../../tooling/bench/src/tools.ts';
import type { Bench } from '../../../tooling/bench/src/bench.ts';
import type { StepOptions } from './steps.work.ts';

interface Subject {
  readonly name: string;
  readonly what: string;
  /** The least that our kernels are to be, in times as fast as the stock engine and as the native one on one thread. */
  readonly wasm: { readonly stock: number; readonly native: number };
  /** The least that the native engine is to be in times as fast as PyTorch on two threads. */
  readonly native: number;
}

const subjects: readonly Subject[] = [
  {
    name: 'cnn',
    what: 'the Table-1 CNN at batch 128',
    wasm: { stock: 4.5, native: 1 / 1.4 },
    native: 0.95,
  },
  {
    name: 'mlp',
    what: 'a 784-500-500-500-500-10 network at batch 256',
    wasm: { stock: 7, native: 1 / 3.5 },
    native: 0.75,
  },
  { name: 'resnet20', what: 'ResNet-20 at batch 64', wasm: { stock: 4, native: 0 }, native: 0 },
];

const stock = 'wasm, stock';
const ours = 'wasm, our kernels';
const native = (threads: number): string => `native, ${threads} thread${threads === 1 ? '' : 's'}`;
const pytorch = (threads: number): string => `PyTorch, ${threads} thread${threads === 1 ? '' : 's'}`;

const engines: Readonly<Record<string, Omit<StepOptions, 'smoke'>>> = {
  [stock]: { engine: 'stock', threads: 1 },
  [ours]: { engine: 'wasm', threads: 1 },
  [native(1)]: { engine: 'tensorflow', threads: 1 },
  [native(2)]: { engine: 'tensorflow', threads: 2 },
};

const steps: Bench[] = subjects.map(({ name, what, wasm, native: bar }) => ({
  id: `core/step-${name}`,
  question: `How fast is a training step of ${what}?`,
  rounds: 9,
  warmup: 2,
  seed: 7,
  pause: 20,
  ownEngines: true,
  against: {
    [ours]: { [stock]: wasm.stock, [native(1)]: wasm.native, [pytorch(1)]: 0 },
    [native(1)]: { [pytorch(1)]: 0 },
    [native(2)]: { [pytorch(2)]: bar },
  },
  async prepare({ smoke, work, python }) {
    const variants: Record<string, () => Promise<void>> = {};
    const skipped: Record<string, string> = {};
    const versions: Record<string, string> = {};
    for (const [label, options] of Object.entries(engines)) {
      try {
        const child = await work(new URL('steps.work.ts', import.meta.url), { ...options, smoke });
        variants[label] = () => child.run(name);
        Object.assign(versions, child.versions);
      } catch (error) {
        if (options.engine !== 'tensorflow') throw error;
        skipped[label] = 'the native engine does not load: `pnpm native` builds it';
      }
    }
    for (const threads of [1, 2]) {
      const script = new URL('steps_peer.py', import.meta.url);
      const child = await python(script, [String(threads), smoke ? '1' : '0']);
      if (child) {
        variants[pytorch(threads)] = () => child.run(name);
        Object.assign(versions, child.versions);
      } else skipped[pytorch(threads)] = noPython;
    }
    return { variants, skipped, versions };
  },
}));

export default steps;
