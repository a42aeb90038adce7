/** What a row must have for {@link denseTwin}. */
interface Tested {
  readonly seed: number;
  readonly method: string;
  readonly accuracy: number;
}

/**
 * The dense network that a claim is held against: of the one that was pruned (`dense`) and the one that got the same
 * passes as the pruned one (`dense-longer`), the more accurate, for each seed.
 */
export function denseTwin<R extends Tested>(rows: readonly R[]): R[] {
  const dense = rows.filter(({ method }) => method === 'dense' || method === 'dense-longer');
  return [...new Set(dense.map(({ seed }) => seed))].map((seed) =>
    dense.filter((row) => row.seed === seed).reduce((a, b) => (b.accuracy > a.accuracy ? b : a)),
  );
}
