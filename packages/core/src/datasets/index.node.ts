export { cifar10, type Cifar10Options, cifar100, cifar100Preview, tin100 } from './cifar.node.ts';
export type { DatasetOptions } from './load.node.ts';
export { fashionMnist, mnist } from './mnist.node.ts';
