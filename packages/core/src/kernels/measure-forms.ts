/** Which form of a layer's weight is the fastest, measured in turn on the machine at hand. */
import { randomNormal, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { AttachedKernels } from '../backend/wasm-kernels/attach.ts';
import { registerSparse, type SparseForm, type SparseForms } from '../backend/wasm-kernels/sparse-weights.ts';
import { callsToTime, clockStep } from '../metrics/clock.ts';
import { median } from '../metrics/statistics.ts';
import type { Layer } from '../training/layers.ts';

/** For each batch size the fastest form, and the dense layer's time ÷ that of its fastest sparse form. */
export interface MeasuredForms {
  readonly form: Readonly<Record<number, SparseForm | 'dense'>>;
  readonly speedup: Readonly<Record<number, number>>;
}

/** Times a layer in every form that its weight has. It is dense again after. */
export function measureForms(
  attached: AttachedKernels,
  layer: Layer,
  weight: TensorInfo,
  forms: SparseForms,
  batch: readonly number[],
  repeats: number,
): MeasuredForms {
  let forced: SparseForm | undefined;
  const unregister = registerSparse(attached, weight, forms, () => forced);
  const speedup: Record<number, number> = {};
  const form: Record<number, SparseForm | 'dense'> = {};
  const candidates = (['rows', 'blocks', 'groups'] as const).filter((name) => forms[name]);
  try {
    for (const n of batch) {
      const times = timeForms(layer, n, repeats, ['dense', ...candidates], (chosen) => {
        forced = chosen === 'dense' ? undefined : chosen;
      });
      const best = candidates.reduce((a, b) => (times[b]! < times[a]! ? b : a));
      speedup[n] = times['dense']! / times[best]!;
      form[n] = speedup[n] > 1 ? best : 'dense';
    }
  } finally {
    unregister();
  }
  return { form, speedup };
}

/** Undefined for a layer that is called on several inputs, or none. */
export function inputShapeOf(layer: Layer): (number | null)[] | undefined {
  try {
    const { shape } = layer.input as SymbolicTensor;
    return shape;
  } catch {
    return undefined;
  }
}

/** Median milliseconds of a layer in each of its forms, taken in turn. */
function timeForms<Form extends string>(
  layer: Layer,
  batch: number,
  repeats: number,
  forms: readonly Form[],
  choose: (form: Form) => void,
): Partial<Record<Form, number>> {
  const [, ...sizes] = inputShapeOf(layer) as [null, ...number[]];
  const x = randomNormal([batch, ...sizes], 0, 1, 'float32', 1);
  const times = new Map(forms.map((form) => [form, [] as number[]]));
  const call = (): void => (layer.apply(x) as Tensor).dispose(); // the wasm engine has computed it by then
  const warm = (): void => {
    for (const form of forms) {
      choose(form);
      call();
    }
  };
  warm();
  const calls = callsToTime(warm, forms.length * clockStep());
  for (let i = 0; i < repeats; i++) {
    for (const form of i % 2 === 0 ? forms : forms.toReversed()) {
      choose(form);
      const start = performance.now();
      for (let k = 0; k < calls; k++) call();
      times.get(form)!.push((performance.now() - start) / calls);
    }
  }
  x.dispose();
  return Object.fromEntries([...times].map(([form, all]) => [form, median(all)])) as Partial<
    Record<Form, number>
  >;
}
