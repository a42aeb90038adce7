import { methodContract } from '@ockham/contract';
import { compressLowRank } from '@ockham/lowrank';

methodContract('compressLowRank', {
  'a rank': (model, _, seed) => compressLowRank(model, { rank: 3, seed, report: false }),
  'a budget, trained again': (model, data, seed) =>
    compressLowRank(model, { maxParameters: 300, data, retrain: { epochs: 1 }, seed, report: false }),
});
