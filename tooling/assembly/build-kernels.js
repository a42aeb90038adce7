import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import asc from 'assemblyscript/asc';

/**
 * Compiles AssemblyScript under src/kernels/assembly to WebAssembly with SIMD, and writes each module into
 * src/kernels/generated as text, so that it loads the same way in Node, in a browser and from a bundle. A file whose text
 * is there already is not touched; that of a module that is built no more goes.
 *
 * @param {URL} root The package's folder.
 * @param {Record<string, string[]>} builds For each module, by the name of its export: the source file and the compiler's flags.
 * @param {{ packed?: readonly string[] }} [options] Modules that are written compressed with gzip, for those who can wait for it to be
 *   undone: base64 hides from a server's compression what repeats, and a browser downloads a third less.
 */
export async function buildKernels(root, builds, { packed = [] } = {}) {
  const folder = fileURLToPath(new URL('src/kernels/generated/', root));
  await mkdir(folder, { recursive: true });
  const made = new Set();
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
    const wasm = Buffer.from(files.get('kernels.wasm'));
    const text = (packed.includes(name) ? gzipSync(wasm, { level: 9 }) : wasm).toString('base64');
    const source = `/** Made by scripts/build-kernels.js from src/kernels/assembly. */\nexport const ${name}: string =\n  '${text}';\n`;
    const file = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
    const path = folder + file;
    made.add(file);
    if ((await readFile(path, 'utf8').catch(() => '')) !== source) await writeFile(path, source);
  }
  for (const file of await readdir(folder)) if (!made.has(file)) await rm(folder + file);
}
