import './style.css';
import { digitsExhibit } from './digits/exhibit.ts';
import { embeddingsExhibit } from './embeddings/exhibit.ts';
import { hydrogenExhibit } from './hydrogen/exhibit.ts';
import { loraExhibit } from './lora/exhibit.ts';
import { keepForOffline } from './offline/keep-for-offline.ts';
import { element } from './page/element.ts';
import { mountExhibit } from './page/exhibit.ts';
import { pruningExhibit } from './pruning/exhibit.ts';

const sections = [
  mountExhibit(digitsExhibit),
  mountExhibit(pruningExhibit),
  mountExhibit(loraExhibit),
  mountExhibit(hydrogenExhibit),
  mountExhibit(embeddingsExhibit),
];
document.querySelector('main')!.append(...sections);
document
  .querySelector('nav ul')!
  .append(
    ...sections.map((section) =>
      element('li', {}, element('a', { href: `#${section.id}` }, section.dataset.short!)),
    ),
  );
if (location.hash) document.querySelector(location.hash)?.scrollIntoView();

const offline = document.querySelector('#offline')!;
void keepForOffline().then((kept) => {
  if (kept) offline.textContent = 'The page is kept by your browser and works without a network.';
  document.documentElement.dataset.offline = String(kept);
});
