/** Builds the page and serves it until Ctrl-C; with `OCKHAM_PLAYGROUND=once` until every file was fetched once. */
import { servePlayground, type PlaygroundServer } from './serve-playground.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

say('Building the playground …');
const server = await servePlayground();
if (process.env.OCKHAM_PLAYGROUND === 'once') await fetchAll(server);
else say(`The playground is at ${server.addresses.join(' and ')} (Ctrl-C ends it).`);

async function fetchAll({ addresses, close }: PlaygroundServer): Promise<void> {
  const [page] = addresses;
  const get = async (name: string): Promise<Response> => {
    const answer = await fetch(new URL(name, page));
    if (!answer.ok) throw new Error(`playground: ${name} must be served, got status ${answer.status}.`);
    return answer;
  };
  const { files } = (await (await get('offline.json')).json()) as { files: string[] };
  let bytes = 0;
  for (const file of ['', ...files]) bytes += (await (await get(file)).arrayBuffer()).byteLength;
  say(`The playground was served at ${page}: ${files.length + 1} files, ${(bytes / 1e6).toFixed(1)} MB.`);
  await close();
}
