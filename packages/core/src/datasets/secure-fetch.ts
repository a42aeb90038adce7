import { ArgumentError } from '../errors.ts';

const MOST_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Refuses an address from which what comes could be read or changed on its way. Allowed are https, this machine itself,
 * and an address relative to a page, which the browser holds to the page's own.
 *
 * @throws ArgumentError naming `who`.
 */
export function checkAddress(who: string, address: string): void {
  if (!URL.canParse(address) ? !address.includes('://') : isSecure(new URL(address))) return;
  throw new ArgumentError(`${who}: downloads need an address that starts with https://, got ${address}.`);
}

/**
 * As `fetch`, and refuses a redirect that leaves https.
 *
 * @throws ArgumentError for an address without https; Error for a redirect to one.
 */
export async function fetchSecurely(address: string, options: RequestInit = {}): Promise<Response> {
  checkAddress('fetch', address);
  let url = address;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const response = await fetch(url, { ...options, redirect: inPage() ? 'follow' : 'manual' });
    if (!REDIRECTS.includes(response.status)) {
      if (response.url === '' || isSecure(new URL(response.url)) || !URL.canParse(address)) return response;
      await response.body?.cancel();
      throw new Error(`${address} was redirected to ${response.url}, without https`);
    }
    await response.body?.cancel();
    const next = new URL(response.headers.get('location') ?? '', url);
    if (!isSecure(next) || (new URL(url).protocol === 'https:' && next.protocol !== 'https:')) {
      throw new Error(`${url} redirects to ${next.href}, without https`);
    }
    url = next.href;
  }
  throw new Error(`${address} redirects more than ${MOST_REDIRECTS} times`);
}

/** A page follows redirects itself and does not show them; one of https blocks what is not. */
function inPage(): boolean {
  return typeof location !== 'undefined';
}

function isSecure({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:' || protocol === 'blob:' || protocol === 'data:') return true;
  return (
    protocol === 'http:' &&
    (hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname))
  );
}
