/**
 * The directions of ARCHITECTURE.md, read from the import lines. A new folder must be given its place here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findCycle, type Import, importsOf, programImports, repositoryDir } from '../kit/import-graph.ts';

/** What each area may import besides itself. `types of X` allows `import type` alone. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'gateway/main.ts': ['gateway/roles'],
  'gateway/roles': [
    'gateway/control',
    'gateway/proxy',
    'gateway/supervisor',
    'gateway/snapshot',
    'gateway/telemetry',
    'gateway/support',
    'gateway/demo',
    'admin',
    'config',
    'systemd',
  ],
  'gateway/control': ['gateway/snapshot', 'gateway/telemetry', 'gateway/support'],
  'gateway/proxy': ['gateway/snapshot', 'gateway/telemetry', 'gateway/support'],
  'gateway/supervisor': ['gateway/snapshot', 'gateway/support'],
  'gateway/snapshot': ['gateway/support'],
  'gateway/telemetry': ['gateway/support', 'types of gateway/snapshot'],
  'gateway/support': [],
  'gateway/demo': ['config', 'gateway/support'],
  admin: ['types of gateway/snapshot', 'types of gateway/telemetry', 'gateway/support'],
  config: ['gateway/support'],
  systemd: ['gateway/support'],
};

/** The command that npm installs starts the program; everything else in admin is started by it. */
const EXCEPTIONS: readonly string[] = ['admin/cli/bin.js -> gateway/main.ts'];

/** What all folders of the request road share; only files directly in gateway/proxy join the folders themselves. */
const SHARED_IN_PROXY: readonly string[] = [
  'gateway/proxy/codec',
  'gateway/proxy/types.ts',
  'gateway/proxy/compile-error.ts',
];

test('every area imports only what its place in the design allows', () => {
  assert.deepEqual(violations(programImports()), []);
});

test('folders do not import each other in a circle', () => {
  const edges = programImports()
    .filter((line) => !line.typeOnly && isOurs(line.to))
    .map((line) => [folderOf(line.from), folderOf(line.to)] as const)
    .filter(([from, to]) => !contains(from, to) && !contains(to, from));
  assert.equal(findCycle(edges)?.join(' -> '), undefined);
});

test('the program imports only packages that an installation without development tools has', () => {
  const manifest = JSON.parse(readFileSync(`${repositoryDir}/package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const foreign = programImports().filter((line) => !isOurs(line.to) && !line.to.startsWith('node:'));
  const missing = foreign.filter((line) => !line.typeOnly && !(packageOf(line.to) in manifest.dependencies));
  assert.deepEqual(missing.map(show), []);
});

test('import lines of every form are seen', () => {
  const source = `import { readFile } from 'node:fs/promises';
import type { Settings } from '../../config/settings.ts';
import {
  type Cluster,
  type Endpoint,
} from '#gateway/snapshot/cluster.ts';
import 'reflect-metadata';
export { parse } from './parse.ts';
// import { old } from './old.ts';
const late = await import('../proxy/late.ts');
`;
  assert.deepEqual(
    importsOf('gateway/control/door.ts', source).map((line) => [line.to, line.typeOnly]),
    [
      ['node:fs/promises', false],
      ['config/settings.ts', true],
      ['gateway/snapshot/cluster.ts', true],
      ['reflect-metadata', false],
      ['gateway/control/parse.ts', false],
      ['gateway/proxy/late.ts', false],
    ],
  );
});

test('a forbidden direction, a value where types are allowed, and a circle are noticed', () => {
  const line = (from: string, to: string, typeOnly = false): Import => ({ from, to, typeOnly });
  assert.equal(violations([line('gateway/control/a.ts', 'gateway/proxy/b.ts', true)]).length, 1);
  assert.equal(violations([line('gateway/control/a.ts', 'config/settings.ts', true)]).length, 1);
  assert.equal(violations([line('gateway/proxy/route/a.ts', 'gateway/proxy/balance/b.ts')]).length, 1);
  assert.equal(violations([line('gateway/proxy/codec/a.ts', 'gateway/proxy/request-path.ts')]).length, 1);
  assert.equal(violations([line('admin/a.ts', 'gateway/snapshot/b.ts')]).length, 1);
  assert.equal(violations([line('admin/a.ts', 'gateway/snapshot/b.ts', true)]).length, 0);
  assert.equal(violations([line('gateway/new/a.ts', 'gateway/support/b.ts')]).length, 1);
  assert.equal(violations([line('gateway/support/a.ts', 'test/kit/b.ts')]).length, 1);
  assert.deepEqual(
    findCycle([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'b'],
    ]),
    ['b', 'c', 'b'],
  );
});

function violations(lines: readonly Import[]): string[] {
  return lines.filter((line) => isOurs(line.to) && !isAllowed(line)).map(show);
}

function isAllowed(line: Import): boolean {
  if (EXCEPTIONS.includes(`${line.from} -> ${line.to}`)) return true;
  const from = areaOf(line.from);
  const to = areaOf(line.to);
  const allowed = ALLOWED[from];
  if (allowed === undefined) return false;
  if (from === to) return from !== 'gateway/proxy' || isAllowedInProxy(line);
  return allowed.includes(to) || (line.typeOnly && allowed.includes(`types of ${to}`));
}

function isAllowedInProxy({ from, to }: Import): boolean {
  const folder = folderOf(from);
  if (folder === 'gateway/proxy' || folder === folderOf(to)) return true;
  return SHARED_IN_PROXY.includes(folderOf(to)) || SHARED_IN_PROXY.includes(to);
}

function isOurs(path: string): boolean {
  return /^(gateway|admin|config|systemd|test)\//.test(path);
}

/** `gateway/control`, `admin`: the unit that has a place in the design. */
function areaOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'gateway' ? `${top}/${second}` : top;
}

/** A folder and its own subfolders are one thing in two parts; circles of files in them are for the linter to find. */
function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** The folder of a file, at most three levels deep; a file of `proxy` that everyone there shares counts as one. */
function folderOf(path: string): string {
  if (SHARED_IN_PROXY.includes(path)) return path;
  return path.split('/').slice(0, -1).slice(0, 3).join('/');
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function show(line: Import): string {
  return `${line.from} -> ${line.to}${line.typeOnly ? ' (types)' : ''}`;
}
