import './style.css';

import { render } from 'preact';

import { App } from './ui/app';
import { begin } from './ui/model';
import { apply } from './ui/theme';

/** The link that opened this page. What stands behind the `#` is secret: it goes from the address at once. */
function opened(): string | null {
  const { href, hash } = location;
  if (hash.length < 2) return null;
  history.replaceState(null, '', location.pathname);
  return href;
}

apply();
const root = document.getElementById('app');
if (root) render(<App />, root);
void begin(opened());
window.addEventListener('hashchange', () => {
  const link = opened();
  if (link !== null) void begin(link);
});
