/** Where `<package>/<experiment>` or `<package>/<experiment>#<figure>` begins, in the page and in the summary. */
export function anchorOf(reference: string): string {
  return reference.replace('/', '-').replace('#', '--');
}

/** Anchors of the claims of one figure, from their words; a second claim of the same words gets a number. */
export function claimAnchors(figure: string, texts: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return texts.map((text) => {
    const words = text
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}]+/gu, '-')
      .replace(/^-|-$/g, '');
    const anchor = `${figure}--${words.slice(0, 60).replace(/-$/, '')}`;
    const count = (seen.get(anchor) ?? 0) + 1;
    seen.set(anchor, count);
    return count === 1 ? anchor : `${anchor}-${count}`;
  });
}
