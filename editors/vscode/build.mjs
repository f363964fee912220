// `node build.mjs`: bundle the extension. `node build.mjs --ship`: also put in place what is packaged with it, the
// server's wheel and the licence.

import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';

import { build } from 'esbuild';

const ROOT = '../..';
const SERVER = 'server';

await build({
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  minify: true,
});

if (process.argv.includes('--ship')) {
  rmSync(SERVER, { recursive: true, force: true });
  const wheel = ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', SERVER, ROOT];
  execFileSync(process.env.PYTHON ?? 'python3', wheel, { stdio: 'inherit' });
  copyFileSync(`${ROOT}/requirements.lock`, `${SERVER}/requirements.lock`);
  copyFileSync(`${ROOT}/LICENSE`, 'LICENSE');
}
