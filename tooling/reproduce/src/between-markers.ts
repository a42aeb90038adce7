/** A text with what stands between `<!-- <name>:start -->` and `<!-- <name>:end -->` replaced; undefined without both. */
export function replaceBetween(text: string, name: string, content: string): string | undefined {
  const start = `<!-- ${name}:start -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(`<!-- ${name}:end -->`);
  if (from < 0 || to < from) return undefined;
  return `${text.slice(0, from + start.length)}\n<!-- prettier-ignore-start -->\n\n${content}\n<!-- prettier-ignore-end -->\n${text.slice(to)}`;
}
