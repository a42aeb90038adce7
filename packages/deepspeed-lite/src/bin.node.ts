#!/usr/bin/env node
import { launchCli } from '@ockham/core/cli/node';
import { cli } from './cli/cli.node.ts';

await launchCli(cli, import.meta.url, () => import('@tensorflow/tfjs'));
