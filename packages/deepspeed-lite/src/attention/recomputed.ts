import { UnsupportedModelError } from '@ockham/core';
import { clone, customGrad, engine, zerosLike, type Tensor } from '@tensorflow/tfjs-core';
import { vjp } from '../autograd/vjp.ts';

type Three = readonly [Tensor, Tensor, Tensor];

/** A function of three tensors, and of further ones that it is not differentiated by. */
export type OfThree = (inputs: Three, constants: readonly Tensor[]) => Tensor;

/** `f` whose backward pass runs it once more, so that of the forward pass nothing but the inputs is kept. */
export function recomputed(f: OfThree, inputs: Three, constants: readonly Tensor[]): Tensor {
  const once = customGrad((...given) => {
    const [a, b, c, save] = given as unknown as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    save([a, b, c, ...constants]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [a, b, c, ...rest] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
      return gradientsOf(f, [a, b, c], rest, dy);
    };
    return { value: f([a, b, c], constants), gradFunc };
  });
  return once(...inputs);
}

function gradientsOf(f: OfThree, inputs: Three, constants: readonly Tensor[], dy: Tensor): Tensor[] {
  refuseTape();
  const tape = vjp(() => [f(inputs, constants)], inputs, []); // grads would end the tape of the pass that it is in
  for (const y of tape.outputs) y.dispose();
  return tape.backward([dy]).inputs.map((dx, i) => {
    if (!dx) return zerosLike(inputs[i]!);
    const tracked = clone(dx); // that of the tape is outside of every tidy
    dx.dispose();
    return tracked;
  });
}

/** @throws UnsupportedModelError where a backward pass is itself on a tape. */
export function refuseTape(): void {
  if (!engine().isTapeOn()) return;
  throw new UnsupportedModelError(
    'sparseAttention: gradients must not be differentiated again: TensorFlow.js has no gradient of that of a softmax. Take differences of gradients.',
  );
}
