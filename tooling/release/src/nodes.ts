import { sh } from './shell.ts';

/** The Nodes that the packages are tried on: those of the lines that `engines` promises. */
const lines = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0' } as const;

/** A line of Node, and the path of its program. */
export interface NodeLine {
  readonly line: string;
  readonly program: string;
}

/**
 * A Node of each line: the one in PATH and the one that runs this where they are of that line, else from the registry, by npx.
 *
 * @param folder An empty one to run in.
 */
export async function findNodes(folder: string): Promise<NodeLine[]> {
  const where = ['--print', 'process.version + " " + process.execPath'] as const;
  const [version, path] = (await sh(folder, ['node', ...where])).trim().split(' ') as [string, string];
  const known = new Map([
    [process.version.split('.')[0], process.execPath],
    [version.split('.')[0], path],
  ]);
  const nodes: NodeLine[] = [];
  for (const [line, exact] of Object.entries(lines)) {
    const ask = ['npx', '--yes', '-p', `node@${exact}`, '-c', 'node --print process.execPath'] as const;
    nodes.push({ line, program: known.get(`v${line}`) ?? (await sh(folder, ask)).trim() });
  }
  return nodes;
}
