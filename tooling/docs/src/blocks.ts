/** A fenced block of a guide. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The file that it is, where its first line is a comment with nothing but a name: `// train.js`, `# job.sh`. */
  readonly file?: string;
  /** What the guide says it prints: the `text` block after it, with at most a sentence between. */
  readonly prints?: string;
}

/** The fenced blocks of a Markdown text, in their order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$(?=(\n+[^`\n]*\n*```text\n(.*?)^```$)?)/gms)].map(
    ([, language, code, , prints]) => {
      const file = /^(?:\/\/|#|<!--) ([\w.-]+\.\w+)(?: -->)?\n|^#!.*\n# ([\w.-]+)\n/.exec(code!);
      const name = file?.[1] ?? file?.[2];
      return {
        language: language!,
        code: code!,
        ...(name !== undefined && { file: name }),
        ...(prints !== undefined && { prints }),
      };
    },
  );
}
