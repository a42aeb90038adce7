#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const flags = ['--conditions=@ockham/source', '--disable-warning=ExperimentalWarning'];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `ockham-reproduce: needs Node 22.18 or later, got ${process.version}. Run it through pnpm, which brings its own: ` +
      'npx --yes pnpm@12.21.0 --filter <package> reproduce.\n',
  );
  process.exitCode = 1;
} else if (process.execArgv.includes(flags[0])) {
  await import('../src/main.ts');
} else {
  // Sources run without a build only under our export condition, which a running process can no longer take on.
  const script = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...flags, ...process.execArgv, script, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}
