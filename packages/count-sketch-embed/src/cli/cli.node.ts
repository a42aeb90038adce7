import { createRequire } from 'node:module';
import type { Cli } from '@ockham/core/cli/node';
import { embeddingsCommand } from './embeddings-command.node.ts';

const { name, version } = createRequire(import.meta.url)('../../package.json') as Record<
  'name' | 'version',
  string
>;

/** `npx @ockham/count-sketch-embed`. */
export const cli: Cli = { name, version, commands: [embeddingsCommand] };
