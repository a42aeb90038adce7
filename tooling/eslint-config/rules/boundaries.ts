import { readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';

const root = resolve(import.meta.dirname, '../../..');
const toolingFolders = readdirSync(resolve(root, 'tooling'));

interface Place {
  /** Folder name under `packages/`. */
  readonly owner: string;
  /** May use Node: the file is named `*.node.ts` or lives in a folder `node`. */
  readonly node: boolean;
}

/** Where a source file of a published package stands, or `undefined` for every other file. */
function placeOf(file: string): Place | undefined {
  const [top, owner, src, ...rest] = relative(root, file).split(sep);
  if (top !== 'packages' || src !== 'src' || owner === undefined) return undefined;
  return { owner, node: rest.slice(0, -1).includes('node') || /\.node\.[jt]s$/.test(file) };
}

/**
 * Why a file may not import `specifier`, or `undefined` where it may. Only files in `packages/<name>/src` are held.
 *
 * @param file absolute path of the importing file
 */
function refusal(file: string, specifier: string): string | undefined {
  const from = placeOf(file);
  if (from === undefined) return undefined;

  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    const target = resolve(dirname(file), specifier);
    const to = placeOf(target);
    if (to?.owner !== from.owner) {
      return `leaves packages/${from.owner}/src: a package is reached by its name, and only core is reached at all`;
    }
    if (to.node && !from.node) return 'an isomorphic file cannot import a Node one: browsers load it too';
    return undefined;
  }
  if (isBuiltin(specifier)) {
    return from.node ? undefined : 'Node built-ins belong in files named *.node.ts or under /node/';
  }
  const [scope, name, ...path] = specifier.split('/');
  if (scope === '@ockham' && name !== undefined) {
    if (toolingFolders.includes(name)) return 'tooling is private: no published source may import it';
    if (from.owner === 'core')
      return 'core imports its own rooms by relative path, and never a method package';
    if (name !== 'core') return 'a method never imports another method: what both need moves to core';
    if (path.includes('node') && !from.node)
      return 'an isomorphic file cannot import a Node entry: browsers load it too';
    return undefined;
  }
  if (scope === '@tensorflow') {
    if (name === 'tfjs' && !file.endsWith('/src/bin.node.ts'))
      // a bin is an application
      return 'import the op by name from @tensorflow/tfjs-core: the union picks an engine for the user';
    if (name?.startsWith('tfjs-node') && !from.node)
      return 'the native binding loads in files named *.node.ts only';
    if (path.some((part) => part.includes('chained_ops')))
      return 'chained ops are the choice of the application';
  }
  return undefined;
}

/** Holds the arrows of the house: method package → core, sources away from tooling, Node behind `*.node.ts`. */
export const boundaries: Rule.RuleModule = {
  meta: { type: 'problem', schema: [], messages: { refused: "'{{specifier}}': {{why}}." } },
  create(context) {
    const check = (source: { type: string; value?: unknown } | null | undefined, node: Rule.Node): void => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const why = refusal(context.filename, source.value);
      if (why !== undefined)
        context.report({ node, messageId: 'refused', data: { specifier: source.value, why } });
    };
    return {
      ImportDeclaration: (node) => check(node.source, node),
      ExportNamedDeclaration: (node) => check(node.source, node),
      ExportAllDeclaration: (node) => check(node.source, node),
      ImportExpression: (node) => check(node.source, node),
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'require')
          check(node.arguments[0], node);
      },
      // `typeof import('x')` and `import('x').Name` in types
      TSImportType: (node: Rule.Node & { source: { type: string; value?: unknown } }) =>
        check(node.source, node),
    };
  },
};
