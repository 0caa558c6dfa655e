import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { repositoryDir } from '../kit/import-graph.ts';

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'config/cluster/README.md',
  ...globSync('docs/**/*.md', { cwd: repositoryDir }),
  ...globSync('config/examples/*/README.md', { cwd: repositoryDir }),
];

function read(file: string): string {
  return readFileSync(path.join(repositoryDir, file), 'utf8');
}

for (const document of documents) {
  test(`every link to a file in ${document} leads somewhere`, () => {
    const links = [...read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    const missing = local.filter((target) => !existsSync(path.join(repositoryDir, path.dirname(document), target)));
    assert.deepEqual(missing, []);
  });

  test(`every npm script that ${document} names exists`, () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name);
    const missing = named.filter((name) => !['ci', 'install', 'on', 'and'].includes(name) && !(name in scripts));
    assert.deepEqual(missing, []);
  });

  test(`every path of the repository that ${document} names exists`, () => {
    const named = [...read(document).matchAll(/`((?:gateway|admin|config|systemd|test|\.ci)\/[\w./-]+)`/g)];
    const missing = named
      .map(([, target = '']) => target)
      .filter((file) => !existsSync(path.join(repositoryDir, file)));
    assert.deepEqual(missing, []);
  });
}

test('the licence is Apache-2.0, in full, and package.json says so', () => {
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004[^]+9\. Accepting Warranty[^]+APPENDIX/);
  assert.equal((JSON.parse(read('package.json')) as { license: string }).license, 'Apache-2.0');
});

test('what the demo makes and what npm installs stay out of the repository', () => {
  const ignored = read('.gitignore').split('\n');
  for (const folder of ['node_modules/', '.demo/', 'dist/']) assert.ok(ignored.includes(folder), folder);
});
