/**
 * Saves a first version of one kind of file, says so, then saves a second and kills itself in the middle: `<kind> <folder>
 * <point>`. The points are those at which a save can be cut: with half of the bytes written, with all of them, and with
 * the file under its name.
 */
import { promises, type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { saves } from './saves.ts';

const [kind, folder, point] = process.argv.slice(2) as [string, string, 'half' | 'written' | 'renamed'];
const die = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise<never>(() => undefined); // until the signal comes
};

const save = await saves[kind]!.prepare(folder);
await save(1);

const { open, rename } = promises;
promises.open = async (...words: Parameters<typeof open>) => {
  const handle = await open(...words);
  const { writeFile } = handle;
  handle.writeFile = async (data) => {
    const bytes = data as Uint8Array;
    if (point !== 'half') return writeFile.call(handle, bytes);
    await writeFile.call(handle, bytes.subarray(0, bytes.length >> 1));
    return die();
  };
  return handle;
};
promises.rename = async (from: PathLike, to: PathLike) => {
  if (point === 'renamed') await rename(from, to);
  return die();
};
syncBuiltinESMExports();
await save(2);
