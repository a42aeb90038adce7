/** Training steps of a dense network and of the same in low rank, on one engine, in a process of their own. */
import { randomUniform, tidy } from '@tensorflow/tfjs';
import { variableGrads, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { useBackend } from '@ockham/core/backend/node';
import { mlp } from '@ockham/core/models';
import { lossFunction, toOptimizer, trainableVariables } from '@ockham/core/training';
import type { Work } from '../../../tooling/bench/src/work.ts';
import { planLayers } from '../src/dlrt/layer-plan.ts';
import { LowRankRun } from '../src/dlrt/low-rank-run.ts';
import type { DlrtOptions } from '../src/dlrt/options.ts';

/** What to work on. */
export interface DlrtWorkOptions {
  readonly engine: 'wasm' | 'tensorflow';
  readonly optimizer: 'sgd' | 'adam';
  readonly smoke: boolean;
}

const open: Work<DlrtWorkOptions> = async ({ engine, optimizer: name, smoke }) => {
  const { version } = await useBackend(engine);
  const batch = smoke ? 16 : 256;
  const width = smoke ? 80 : 500;
  const model = mlp({ units: Array<number>(4).fill(width), seed: 7 });
  const x = randomUniform([batch, 28, 28, 1], 0, 1, 'float32', 7);
  const y = tidy(() => randomUniform([batch], 0, 10, 'int32', 9));
  const loss = lossFunction('crossEntropy');
  const stepOf = (of: LayersModel, after?: () => void) => {
    const { optimizer } = toOptimizer(name);
    return async () => {
      const value = tidy(() => {
        const objective = (): Scalar => loss(y, of.apply(x, { training: true }) as Tensor) as Scalar;
        const { value: lossOf, grads } = variableGrads(objective, trainableVariables(of));
        after?.();
        optimizer.applyGradients(grads);
        return lossOf;
      });
      await value.data();
      value.dispose();
    };
  };
  const rank = smoke ? 8 : 32;
  const lowRank = async (ranks: Pick<DlrtOptions, 'rank' | 'tolerance' | 'initialRank' | 'maxRank'>) => {
    const options = { epochs: 1, ...ranks, optimizer: name, start: 'random', seed: 7 } as const;
    const run = await LowRankRun.start(model, planLayers(model, options), options);
    return stepOf(run.model, () => run.step());
  };
  return {
    versions: { [engine === 'tensorflow' ? 'tensorflow' : 'tfjs-backend-wasm']: version! },
    works: {
      dense: () => Promise.resolve(stepOf(model)),
      'low rank': () => lowRank({ rank }),
      'rank found': () => lowRank({ tolerance: 0.01, initialRank: rank, maxRank: rank }),
    },
  };
};

export default open;
