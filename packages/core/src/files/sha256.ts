/**
 * SHA-256 as lower-case hex: by WebCrypto, or, in a page without HTTPS, which has none, by a library that is
 * loaded only then.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest: Uint8Array =
    globalThis.crypto?.subtle === undefined
      ? (await import('@noble/hashes/sha2.js')).sha256(bytes)
      : new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
