import { createRequire } from 'node:module';
import type { Cli } from '@ockham/core/cli/node';
import { pruneCommand } from './prune-command.node.ts';

const { name, version } = createRequire(import.meta.url)('../../package.json') as Record<
  'name' | 'version',
  string
>;

/** `npx @ockham/fw-prune`. */
export const cli: Cli = { name, version, commands: [pruneCommand] };
