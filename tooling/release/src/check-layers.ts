import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleBare } from './bundle.ts';
import type { Project } from './install.ts';
import { entriesOf } from './entries.ts';
import { sh } from './shell.ts';

const list = `
import { serialization } from '@tensorflow/tfjs-core';
const { classNameMap } = serialization.SerializationMap.getMap();
const names = () => Object.keys(classNameMap);
`;

/**
 * Holds that a bundle which imports nothing of a package but the entry for its layers (`/layers`) can load every layer that the
 * package has: bundlers leave out modules that register a layer and export nothing which is used, unless told of them.
 *
 * @returns how many classes are registered.
 * @throws Error with the names that are missing.
 */
export async function checkLayers({ folder, packed: { manifest } }: Project): Promise<number> {
  const { name } = manifest;
  const entries = entriesOf(manifest).filter(({ node }) => !node);
  const others = ['@tensorflow/tfjs-layers', ...(name === '@ockham/core' ? [] : ['@ockham/core/models'])];
  const before = others.map((each) => `await import('${each}');`).join('\n');
  const imports = entries.map(({ entry }) => `await import('${entry}');`).join('\n');
  const own = await names(
    folder,
    'own-layers.js',
    `${before}\nconst before = new Set(names());\n${imports}\nconst found = names().filter((name) => !before.has(name));`,
  );
  const layers = entries.find(({ entry }) => entry.endsWith('/layers'));
  if (layers === undefined) {
    if (own.length === 0) return 0;
    throw new Error(`${name}: registers ${own.join(', ')} and must have an entry that ends in /layers.`);
  }
  await bundleBare(folder, layers.entry, 'bundled-layers.js');
  const found = new Set(
    await names(folder, 'found-layers.js', `await import('./bundled-layers.js');\nconst found = names();`),
  );
  const missing = own.filter((each) => !found.has(each));
  if (missing.length > 0)
    throw new Error(
      `${layers.entry}: a bundle that imports it must register ${missing.join(', ')}. Import their files in register-layers.ts, and name them in sideEffects.`,
    );
  return own.length;
}

async function names(folder: string, file: string, script: string): Promise<string[]> {
  writeFileSync(join(folder, file), `${list}${script}\nprocess.stdout.write(JSON.stringify(found));\n`);
  return JSON.parse(await sh(folder, [process.execPath, file])) as string[];
}
