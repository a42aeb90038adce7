/** What a dropout draws for a key and a query, a whole number below 2³²: finalisers of MurmurHash3, as in the kernel. */
export function drawOf(stream: number, key: number, query: number): number {
  const seed = mix(key) ^ stream;
  let h = Math.imul(query, 0x9e3779b1) ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The stream of a head of an example. */
export function streamOf(seed: number, head: number): number {
  return mix(Math.imul(seed | 0, 0x9e3779b1) ^ mix(head));
}

function mix(n: number): number {
  let h = Math.imul(n, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f);
  return h ^ (h >>> 13);
}
