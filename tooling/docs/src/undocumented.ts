import { relative } from 'node:path';
import {
  type DeclarationReflection,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  type SignatureReflection,
} from 'typedoc';

/** A public name without a word about it. */
export interface Undocumented {
  readonly name: string;
  /** `packages/core/src/errors.ts:12` */
  readonly where: string;
}

const kinds =
  ReflectionKind.Module |
  ReflectionKind.Namespace |
  ReflectionKind.Enum |
  ReflectionKind.EnumMember |
  ReflectionKind.Variable |
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.Property |
  ReflectionKind.TypeAlias |
  ReflectionKind.CallSignature |
  ReflectionKind.GetSignature;

/**
 * Public names whose docstring is missing or empty, each once, by place. The fields of a nameless type (`{ before: number }`) are told
 * by the name that has it; what another package declares is its own affair.
 */
export function undocumented(project: ProjectReflection, root: string): Undocumented[] {
  const found = new Map<string, Undocumented>();
  for (const reflection of project.getReflectionsByKind(kinds)) {
    if (isFieldOfNameless(reflection) || isDocumented(reflection)) continue;
    const source = (reflection as DeclarationReflection | SignatureReflection).sources?.[0];
    if (source === undefined) continue;
    const file = relative(root, source.fullFileName);
    if (!file.startsWith('packages') || file.includes('node_modules')) continue;
    const where = `${file}:${source.line}`;
    const key = `${where}:${source.character}`;
    if (!found.has(key)) found.set(key, { name: reflection.getFriendlyFullName(), where });
  }
  return [...found.values()].sort((a, b) => a.where.localeCompare(b.where, 'en', { numeric: true }));
}

function isDocumented(reflection: Reflection): boolean {
  const { comment } = reflection;
  const owner = reflection.parent?.comment; // of a function, for its signatures
  return hasWords(comment) || (reflection.kindOf(ReflectionKind.SomeSignature) && hasWords(owner));
}

function hasWords(comment: Reflection['comment']): boolean {
  return (
    comment !== undefined &&
    (comment.summary.some(({ text }) => text.trim() !== '') || comment.blockTags.length > 0)
  );
}

function isFieldOfNameless(reflection: Reflection): boolean {
  for (let at = reflection.parent; at !== undefined; at = at.parent) {
    if (at.kindOf(ReflectionKind.TypeLiteral) && !isWholeAlias(at)) return true;
    if (at.kindOf(ReflectionKind.SomeSignature)) return true;
  }
  return false;
}

/** `type Sizes = { … }` is as good as an interface; the members of `type Shape = { … } | { … }` are told by the alias. */
function isWholeAlias(literal: Reflection): boolean {
  const alias = literal.parent as DeclarationReflection | undefined;
  return (
    alias?.kind === ReflectionKind.TypeAlias &&
    alias.type?.type === 'reflection' &&
    alias.type.declaration === literal
  );
}
