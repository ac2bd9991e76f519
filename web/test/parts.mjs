// Parts of the page, for tests that need no browser.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { rolldown } from 'rolldown';

const SRC = join(import.meta.dirname, '..', 'src');

/** A module of `src`, with what it imports, as a module without imports. */
export async function source(name) {
  const bundle = await rolldown({ input: join(SRC, name) });
  const { output } = await bundle.generate({ format: 'esm' });
  return output[0].code;
}

export async function part(name) {
  return import(`data:text/javascript,${encodeURIComponent(await source(name))}`);
}

/** The core. */
export async function core() {
  const module = await import(join(SRC, 'core/core.js'));
  module.initSync({ module: readFileSync(join(SRC, 'core/core_bg.wasm')) });
  return module;
}
