import './style.css';

import { render } from 'preact';

import { policy } from './trusted';
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
// Where it may not be (a certificate that nobody vouches for), the page works all the same, with a network.
void navigator.serviceWorker?.register(policy.createScriptURL('/sw.js')).catch(() => {});
window.addEventListener('hashchange', () => {
  const link = opened();
  if (link !== null) void begin(link);
});
