#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const flags = ['--conditions=@ockham/source', '--disable-warning=ExperimentalWarning'];
process.exitCode =
  spawnSync(process.execPath, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;
