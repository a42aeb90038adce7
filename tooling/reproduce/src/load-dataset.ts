import type { Progress } from '@ockham/core';
import {
  cifar10,
  cifar100,
  fashionMnist,
  mnist,
  molecules,
  tabular,
  tin100,
} from '@ockham/core/datasets/node';
import { loadTexts } from './load-texts.ts';
import type { DatasetName, Provided } from './experiment.ts';

type Loader = (options: { signal: AbortSignal; progress: Progress }) => Promise<Provided>;

const loaders: Readonly<Record<DatasetName, Loader>> = {
  mnist,
  'fashion-mnist': fashionMnist,
  cifar10,
  cifar100,
  'tin100-32': tin100,
  molecules: ({ signal }) => molecules({ signal }),
  tabular: ({ signal }) => tabular(['a9a', 'a9a.t', 'communities_crime_ls.csv'], { signal }),
  texts: loadTexts,
};

/** Loads datasets by name, each once per process. */
export function datasetCache(progress: Progress): (name: string, signal: AbortSignal) => Promise<Provided> {
  const loaded = new Map<string, Promise<Provided>>();
  return (name, signal) => {
    const dataset = loaded.get(name) ?? loaders[name as DatasetName]({ signal, progress });
    loaded.set(name, dataset);
    return dataset;
  };
}
