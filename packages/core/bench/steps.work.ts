/** Products and training steps on one engine, in a process of their own. */
import { oneHot, randomUniform, ready, registerKernel, setBackend, tidy } from '@tensorflow/tfjs';
import { matMul, reshape, serialization, train as optimizers, variableGrads } from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { useBackend } from '@ockham/core/backend/node';
import { bert, mlp, resnet20, tableOneCnn } from '@ockham/core/models';
import { lossFunction } from '../src/training/losses.ts';
import { conv2dGradientKernels } from '../src/backend/repairs/conv2d-gradients.ts';
import type { Work } from '../../../tooling/bench/src/work.ts';

/** An engine to work on. */
export interface StepOptions {
  /** `stock` is the wasm engine as it comes, with its missing filter gradient composed of stock convolutions. */
  readonly engine: 'stock' | 'wasm' | 'tensorflow';
  readonly threads: number;
  readonly smoke: boolean;
  /** Whether embeddings are products with one-hot rows. Default false: they are looked up. */
  readonly oneHot?: boolean;
}

const open: Work<StepOptions> = async ({ engine, threads, smoke, oneHot: products = false }) => {
  const version = await use(engine, threads);
  if (products) multiplyEmbeddings();
  const size = smoke ? 128 : 1024;
  const images = (batch: number, shape: number[]): Tensor =>
    randomUniform([smoke ? 4 : batch, ...shape], 0, 1, 'float32', 7);
  const text = { length: smoke ? 8 : 64, batch: smoke ? 2 : 8, vocabulary: smoke ? 100 : 30_522 };
  return {
    versions: { [engine === 'tensorflow' ? 'tensorflow' : 'tfjs-backend-wasm']: version },
    works: {
      gemm: () => {
        const [a, b] = [0, 1].map((seed) => randomUniform([size, size], -1, 1, 'float32', seed)) as [
          Tensor2D,
          Tensor2D,
        ];
        return Promise.resolve(async () => {
          const c = matMul(a, b);
          if (engine === 'tensorflow') {
            c.dispose();
            return;
          } // done when it returns; reading it would copy
          c.dispose();
          await Promise.resolve();
        });
      },
      cnn: () => training(tableOneCnn({ seed: 7 }), images(128, [28, 28, 1]), 10),
      mlp: () => training(mlp({ units: [500, 500, 500, 500], seed: 7 }), images(256, [28, 28, 1]), 10),
      resnet20: () => training(resnet20({ seed: 7 }), images(64, [32, 32, 3]), 10),
      bert: () => {
        const { length, batch, vocabulary } = text;
        const preset = smoke ? 'tiny' : 'mini';
        const model = bert({ preset, length, vocabulary, classes: 2, dropout: 0, seed: 7 });
        const ids = randomUniform([batch, length], 1, vocabulary, 'int32', 7);
        return training(model, ids, 2);
      },
    },
  };
};

export default open;

async function use(engine: StepOptions['engine'], threads: number): Promise<string> {
  if (engine !== 'stock') return (await useBackend(engine, { threads })).version!;
  const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  await setBackend('wasm');
  await ready();
  registerKernel(conv2dGradientKernels[0]!);
  return version_wasm;
}

/** One step of Adam on one batch, as `train` of `@ockham/core/training` takes it. */
function training(model: LayersModel, x: Tensor, classes: number): Promise<() => Promise<void>> {
  const y = tidy(() => randomUniform([x.shape[0]], 0, classes, 'int32', 9));
  const loss = lossFunction('crossEntropy');
  const optimizer = optimizers.adam(1e-3);
  return Promise.resolve(async () => {
    const value = tidy(() => {
      const objective = (): Scalar => loss(y, model.apply(x, { training: true }) as Tensor) as Scalar;
      const { value: of, grads } = variableGrads(objective);
      optimizer.applyGradients(grads as never);
      return of;
    });
    await value.data();
    value.dispose();
  });
}

/** What embeddings were without a kernel for their gradient: a product with one-hot rows. */
function multiplyEmbeddings(): void {
  interface Embedding {
    embeddings: { read(): Tensor2D };
    call(inputs: Tensor | Tensor[]): Tensor;
  }
  const [Class] = serialization.SerializationMap.getMap().classNameMap['Embedding']!;
  const prototype = (Class as unknown as { prototype: Embedding }).prototype;
  prototype.call = function (this: Embedding, inputs) {
    return tidy(() => {
      const ids = Array.isArray(inputs) ? inputs[0]! : inputs;
      const table = this.embeddings.read();
      const [rows, width] = table.shape;
      const hot = oneHot(reshape(ids, [ids.size]).toInt(), rows).toFloat() as Tensor2D;
      return reshape(matMul(hot, table), [...ids.shape, width]);
    });
  };
}
