// Compiles src/kernels/assembly to WebAssembly and writes the module into src/kernels/generated as text, so that it
// loads the same way in Node, in a browser and from a bundle.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = new URL('../', import.meta.url);
const folder = fileURLToPath(new URL('src/kernels/generated/', root));
const files = new Map();
const flags = [
  '--importMemory',
  '--outFile',
  'kernels.wasm',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '-O3',
  '--noAssert',
];
const { error, stderr } = await asc.main(['src/kernels/assembly/index.ts', ...flags], {
  readFile: (path) => readFile(new URL(path, root), 'utf8').catch(() => null),
  writeFile: (path, content) => void files.set(path, content),
  listFiles: () => [],
});
if (error) throw new Error(`build-kernels: the kernels do not compile.\n${stderr.toString()}`);
const text = Buffer.from(files.get('kernels.wasm')).toString('base64');
const source = `/** Made by scripts/build-kernels.js from src/kernels/assembly. */\nexport const gradientKernels: string =\n  '${text}';\n`;
await mkdir(folder, { recursive: true });
const path = `${folder}gradient-kernels.ts`;
if ((await readFile(path, 'utf8').catch(() => '')) !== source) await writeFile(path, source);
