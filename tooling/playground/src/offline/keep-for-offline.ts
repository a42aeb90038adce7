/**
 * Lets the browser keep the page's files, so that it works without a network from then on.
 *
 * @returns Whether it will; a browser without service workers, or a page that is not served securely, does without.
 */
export async function keepForOffline(): Promise<boolean> {
  if (!('serviceWorker' in navigator)) return false;
  try {
    await navigator.serviceWorker.register('service-worker.js', { type: 'module' });
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    return false;
  }
}
