// Compiles src/kernels/assembly to WebAssembly, once for each kind of engine, and writes the modules into
// src/kernels/generated as text, so that they load the same way in Node, in a browser and from a bundle.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = new URL('../', import.meta.url);
const folder = fileURLToPath(new URL('src/kernels/generated/', root));

const relaxed = ['--enable', 'relaxed-simd'];
const shared = ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
const float32 = ['src/kernels/assembly/index.ts', '--importMemory'];
const builds = {
  simd: float32,
  simdShared: [...float32, ...shared],
  relaxed: [...float32, ...relaxed],
  relaxedShared: [...float32, ...relaxed, ...shared],
  panelProduct: ['src/kernels/assembly/panel-product.ts', '--initialMemory', '12'],
};

await mkdir(folder, { recursive: true });
for (const [name, flags] of Object.entries(builds)) {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [...flags, '--outFile', 'kernels.wasm', '--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert'],
    {
      readFile: (path) => readFile(new URL(path, root), 'utf8').catch(() => null),
      writeFile: (path, content) => void files.set(path, content),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`build-kernels: ${name} does not compile.\n${stderr.toString()}`);
  const text = Buffer.from(files.get('kernels.wasm')).toString('base64');
  const source = `/** Made by scripts/build-kernels.js from src/kernels/assembly. */\nexport const ${name}: string =\n  '${text}';\n`;
  const path = `${folder}${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
  if ((await readFile(path, 'utf8').catch(() => '')) !== source) await writeFile(path, source);
}
