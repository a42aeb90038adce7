import type { Dataset, Progress } from '@ockham/core';
import { cifar10, cifar100, fashionMnist, mnist, tin100 } from '@ockham/core/datasets/node';
import type { DatasetName } from './experiment.ts';

type Loader = (options: { signal: AbortSignal; progress: Progress }) => Promise<Dataset>;

const loaders: Readonly<Record<DatasetName, Loader>> = {
  mnist,
  'fashion-mnist': fashionMnist,
  cifar10,
  cifar100,
  'tin100-32': tin100,
};

/** Loads datasets by name, each once per process. */
export function datasetCache(progress: Progress): (name: string, signal: AbortSignal) => Promise<Dataset> {
  const loaded = new Map<string, Promise<Dataset>>();
  return (name, signal) => {
    const dataset = loaded.get(name) ?? loaders[name as DatasetName]({ signal, progress });
    loaded.set(name, dataset);
    return dataset;
  };
}
