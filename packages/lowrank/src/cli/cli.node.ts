import { createRequire } from 'node:module';
import type { Cli } from '@ockham/core/cli/node';
import { compressCommand } from './compress-command.node.ts';
import { mergeCommand } from './merge-command.node.ts';

const { name, version } = createRequire(import.meta.url)('../../package.json') as Record<
  'name' | 'version',
  string
>;

/** `npx @ockham/lowrank`. */
export const cli: Cli = { name, version, commands: [compressCommand, mergeCommand] };
