import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libraries } from './recipe.ts';
import { run } from './run.ts';

const { include_dir: nodeHeaders } = createRequire(import.meta.url)('node-api-headers') as {
  include_dir: string;
};
const tensorflowHeaders = fileURLToPath(new URL('../include', import.meta.url));

/** Drops the symbol tables that nothing at run time needs: a fifth of the libraries' size. */
export async function stripLibraries(folder: string): Promise<void> {
  const hint = 'The libraries may be damaged; run `pnpm native` again.';
  for (const library of libraries) await run('strip', ['--strip-all', library], { cwd: folder, hint });
}

/**
 * Compiles the binding of the package unpacked at `home` against the libraries in `home/deps/lib`. It is a
 * Node-API module, so one build serves Node 20, 22 and 24.
 */
export async function compileBinding(home: string): Promise<void> {
  await mkdir(join(home, 'lib', 'napi-v8'), { recursive: true });
  await run(
    'g++',
    [
      ...['-O2', '-std=c++17', '-fPIC', '-shared', '-s', '-DNAPI_VERSION=8'],
      ...[`-I${nodeHeaders}`, `-I${tensorflowHeaders}`],
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...['-o', 'lib/napi-v8/tfjs_binding.node', '-L', 'deps/lib'],
      ...libraries.map((library) => `-l:${library}`),
      '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ],
    { cwd: home, hint: 'The compiler must know C++17 (g++ 8 or newer).' },
  );
}
