/**
 * Data sets for Node: from `OCKHAM_DATA`, the cache, the official host or an embedded sample, in this order.
 *
 * @module
 */
export { cifar10, type Cifar10Options, cifar100, cifar100Preview, tin100 } from './cifar.node.ts';
export { glue, type GlueOptions } from './glue.node.ts';
export type { DatasetOptions } from './load.node.ts';
export { molecules, type MoleculeFiles, type MoleculesOptions } from './molecules.node.ts';
export { fashionMnist, mnist } from './mnist.node.ts';
export { tabular, type TabularFiles, type TabularOptions } from './tabular.node.ts';
export { type CorpusName, textCorpus, type TextCorpusOptions } from './text-corpus.node.ts';
export type { TextFolderOptions } from './text-file.node.ts';
export { bertUncased } from './wordpiece.node.ts';
