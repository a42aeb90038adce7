/**
 * All of `@ockham/deepspeed-lite` for Node, with files: compressed models, checkpoints, runs that survive lost ranks.
 *
 * @module
 */
export { loadCompressed, saveCompressed } from './compress/container.node.ts';
export * from './index.ts';
export { folderOf } from './checkpoint/folder.node.ts';
export { launchElastic, type ElasticOptions, type ElasticResult } from './engine/launch-elastic.node.ts';
