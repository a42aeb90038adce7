import {
  Application,
  type Context,
  Converter,
  Logger,
  LogLevel,
  OptionDefaults,
  TSConfigReader,
} from 'typedoc';
import { entryPoints } from './entry-points.ts';
import { undocumented } from './undocumented.ts';

export interface SiteOptions {
  /** The workspace, or what is built like it: `packages/<name>` with `exports`. */
  readonly root: string;
  readonly tsconfig: string;
  /** Where the pages go. Default: no pages, problems only. */
  readonly out?: string;
  /** Markdown files that stand beside the reference: the first is the front page. */
  readonly guides?: readonly string[];
}

/**
 * Builds the reference of all published packages.
 *
 * @returns what is wrong with it, a line each: a public name without a word about it, a link that leads nowhere, a type that is used and
 *   not exported, a tag that nobody knows.
 */
export async function makeSite({ root, tsconfig, out, guides = [] }: SiteOptions): Promise<string[]> {
  const entries = entryPoints(root);
  const names = new Map(entries.map(({ file, name }) => [file, name]));
  const packages = [...new Set(entries.map(({ name }) => name.split('/').slice(0, 2).join('/')))];
  const [front, ...documents] = guides;
  const app = await Application.bootstrap(
    {
      name: 'Ockham',
      tsconfig,
      basePath: root,
      entryPoints: entries.map(({ file }) => file),
      readme: front ?? 'none',
      projectDocuments: documents,
      skipErrorChecking: true, // the compiler's gate
      excludePrivate: true,
      excludeProtected: true,
      excludeInternal: true,
      excludeExternals: true,
      disableGit: true,
      githubPages: false,
      modifierTags: [...OptionDefaults.modifierTags, '@nocollapse'], // TensorFlow.js' own, for the Closure compiler
      navigation: { includeCategories: false, includeGroups: false, excludeReferences: true },
      validation: {
        notExported: true,
        invalidLink: true,
        rewrittenLink: true,
        invalidPath: true,
        notDocumented: false,
      },
      packagesRequiringDocumentation: packages,
    },
    [new TSConfigReader()],
  );
  const log = new Problems();
  app.logger = log;
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
    for (const module of project.children ?? []) {
      const name = names.get(module.sources?.[0]?.fullFileName ?? '');
      if (name !== undefined) module.name = name;
    }
  });
  const project = await app.convert();
  if (!project) return [...log.lines, 'the sources could not be read.'];
  app.validate(project);
  const silent = undocumented(project, root).map(({ name, where }) => `${where}: ${name} has no docstring.`);
  if (out !== undefined) await app.generateDocs(project, out);
  return [...log.lines, ...silent];
}

class Problems extends Logger {
  readonly lines: string[] = [];

  override log(message: string, level: LogLevel): void {
    if (level >= LogLevel.Warn && !message.startsWith('disableGit is set')) this.lines.push(message); // sources are shown without a link
  }
}
