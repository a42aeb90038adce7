import ts from 'typescript';

/** The forms of one name that templates hold a place for. */
export interface Names {
  /** `soft-round`: folder, package and files. */
  readonly kebab: string;
  /** `softRound`: the method's function. */
  readonly camel: string;
  /** `SoftRound`: in front of its types. */
  readonly pascal: string;
  /** `Soft round`, for sentences. */
  readonly title: string;
}

/** What a function of the template is surrounded by: a method of that name would hide it. */
const taken = [
  'model',
  'options',
  'round',
  'random',
  'copy',
  'tensor',
  'linear',
  'values',
  'error',
  'bench',
  'experiment',
  'claim',
];

/**
 * @param kebab Lower-case words joined by hyphens, which begin with a letter.
 * @param title Default: the words of the name.
 * @throws Error for anything else, and for names that a program cannot have.
 */
export function namesOf(kebab: string, title: string = sentence(kebab)): Names {
  if (!/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(kebab) || kebab.length > 60) {
    throw new Error(
      `new-package: the name must be lower-case words joined by hyphens, at most 60 characters, got ${JSON.stringify(kebab)}. Pass for example soft-round.`,
    );
  }
  if (/[\r\n`"\\<>|*]/.test(title) || title.trim() === '') {
    throw new Error(
      `new-package: the title must be plain words, got ${JSON.stringify(title)}. Pass for example --title "Soft rounding".`,
    );
  }
  const pascal = kebab.split('-').map(capital).join('');
  const camel = pascal[0]!.toLowerCase() + pascal.slice(1);
  const keyword = ts.identifierToKeywordKind(ts.factory.createIdentifier(camel));
  if (keyword !== undefined || taken.includes(camel)) {
    throw new Error(
      `new-package: a function cannot be called ${camel} here: the word is taken. Add a word to the name, for example ${kebab}-weights.`,
    );
  }
  return { kebab, camel, pascal, title };
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

function sentence(kebab: string): string {
  return kebab === '' ? '' : capital(kebab.replaceAll('-', ' '));
}
