// What is left to do with a build: the service worker is told the files' names; and beside each file there is one that is compressed,
// as the relay serves it: brotli, as small as it gets, once.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = process.argv[2] ?? 'dist';
const sizes = { wasm: [0, 0, 0], js: [0, 0, 0], other: [0, 0, 0] };

function each(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) {
      each(path);
      continue;
    }
    if (name.endsWith('.br')) continue;
    const bytes = readFileSync(path);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
    const small = brotliCompressSync(bytes, { params });
    if (small.length < bytes.length) writeFileSync(`${path}.br`, small);
    const kind = name.endsWith('.wasm') ? 'wasm' : name.endsWith('.js') ? 'js' : 'other';
    [bytes.length, gzipSync(bytes, { level: 9 }).length, small.length].forEach((size, at) => (sizes[kind][at] += size));
  }
}

const assets = readdirSync(join(dist, 'assets')).filter((name) => !name.endsWith('.br')).sort();
const worker = join(dist, 'sw.js');
const names = JSON.stringify(assets.map((name) => `/assets/${name}`));
writeFileSync(worker, readFileSync(worker, 'utf8').replace('__FILES__', () => names));

each(dist);
for (const [kind, [plain, gz, br]] of Object.entries(sizes)) {
  console.log(`${kind.padEnd(6)} ${plain} bytes, ${gz} gz, ${br} br`);
}
