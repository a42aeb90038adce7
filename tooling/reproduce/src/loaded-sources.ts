import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const imports = new Map<string, Set<string>>();

/** From now on, notes which module imports which. Called once, at the start of the process. */
export function recordImports(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const { parentURL } = context;
      if (parentURL !== undefined && resolved.url.startsWith('file:')) {
        const targets = imports.get(parentURL) ?? new Set();
        imports.set(parentURL, targets.add(resolved.url));
      }
      return resolved;
    },
  });
}

/**
 * A hash over the workspace's own sources that `roots` (module URLs) have loaded, directly or not: what a change
 * could change rows through. Installed packages are fixed by the lockfile; tooling measures and draws, it makes no rows.
 * Comments, types and layout compute nothing and are left out.
 */
export async function hashLoadedSources(roots: readonly string[], workspace: string): Promise<string> {
  const seen = new Set<string>();
  const queue = [...roots];
  for (let url = queue.pop(); url !== undefined; url = queue.pop()) {
    const path = relative(workspace, fileURLToPath(url)).split(sep);
    if (seen.has(url) || path[0] === '..' || path[0] === 'tooling' || path.includes('node_modules')) continue;
    seen.add(url);
    queue.push(...(imports.get(url) ?? []));
  }
  const hash = createHash('sha256');
  for (const url of [...seen].sort()) {
    const path = fileURLToPath(url);
    hash
      .update(`${relative(workspace, path).split(sep).join('/')}\0`)
      .update(codeOf(await readFile(path, 'utf8')))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

const known = new Map<string, string>();

/** What of a source file runs. Experiments share most of their sources: each is read once. */
function codeOf(source: string): string {
  const code = known.get(source) ?? transpile(source);
  known.set(source, code);
  return code;
}

function transpile(source: string): string {
  const { ESNext } = ts.ScriptTarget;
  const compilerOptions = { target: ESNext, module: ts.ModuleKind.ESNext, removeComments: true };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
