import { methodContract } from '@ockham/contract';
import { prune } from '@ockham/fw-prune';

const retrain = { epochs: 1, batchSize: 32 };

methodContract('prune', {
  'half of the weights at once': async (model, data, seed) => {
    const { model: pruned, masks } = await prune(model, data, {
      sparsity: 0.5,
      iterations: 1,
      retrain,
      seed,
      report: false,
    });
    return { model: pruned, dispose: () => masks.dispose() };
  },
  'simple, 2:4': async (model, data, seed) => {
    const options = {
      method: 'simple',
      pattern: '2:4',
      iterations: 2,
      retrain,
      seed,
      report: false,
    } as const;
    const { model: pruned, masks } = await prune(model, data, options);
    return { model: pruned, dispose: () => masks.dispose() };
  },
});
