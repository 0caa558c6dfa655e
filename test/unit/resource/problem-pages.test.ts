import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createBuilder } from '#gateway/control/build/builder.ts';
import { analyze } from '#gateway/control/resource/analyze.ts';
import { codes } from '#gateway/control/resource/codes.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { type Resource, resourceKey } from '#gateway/control/resource/resource.ts';
import { parseYamlDocuments } from '#gateway/control/resource/yaml-documents.ts';
import { repositoryDir } from '../../kit/import-graph.ts';
import { IDENTITY } from '../build/from-yaml.ts';

const folder = path.join(repositoryDir, 'docs/problems');
const pageOf = (code: string): string => readFileSync(path.join(folder, `${code}.md`), 'utf8');
const ACCEPTED = ['AuthorizationPolicy/istio-system/accepted'];

/** Told only by running processes; what makes them is in the feature tests, which do not look at the code. */
const IN_PROCESSES = new Set(['MG0902', 'MG0903', 'MG0904']);

/** Every code that the example of a page raises: read, alone, and as the whole that a gateway serves. */
function raisedBy(yaml: string, strictness: 'folder' | 'cluster'): Set<string> {
  const { documents, problems } = parseYamlDocuments(yaml, 'example.yaml');
  const read = documents.map((document) => readObject(document, { defaultNamespace: 'default', strictness }));
  const resources = read.flatMap(({ resource }): Resource[] => (resource === undefined ? [] : [resource]));
  const options = {
    gatewayNamespace: IDENTITY.namespace,
    gatewayLabels: IDENTITY.labels,
    nodePorts: [{ port: 31_380, purpose: 'a port for traffic' }],
    acceptUnenforced: ACCEPTED,
    place: { node: 'edge-1', isSet: false },
  };
  const built = createBuilder().build({
    resources: new Map(resources.map((one) => [resourceKey(one), one])),
    gateway: IDENTITY,
  });
  const found = [
    ...problems,
    ...read.flatMap((one) => one.problems),
    ...analyze(resources, { ...options, scope: 'partial' }),
    ...analyze(resources, { ...options, scope: 'whole' }),
    ...built.problems,
  ];
  return new Set(found.map(({ code }) => code));
}

test('the pages are those of the registry, each under its title', () => {
  const pages = readdirSync(folder).filter((name) => name !== 'README.md');
  assert.deepEqual(pages.map((name) => name.replace('.md', '')).sort(), Object.keys(codes).sort());
  for (const [code, { title }] of Object.entries(codes)) {
    const page = pageOf(code);
    assert.ok(page.startsWith(`# ${code}: ${title}\n`), `${code}: the heading is "# ${code}: ${title}"`);
    assert.match(page, /^To mend it: /m, code);
    assert.ok(page.split('\n').length <= 45, `${code} is short`);
  }
});

describe('the example of a page raises its code', () => {
  for (const code of Object.keys(codes)) {
    const page = pageOf(code);
    const examples = [...page.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, yaml = '']) => yaml);
    const strictness = page.includes('As read from a cluster') ? 'cluster' : 'folder';
    if (examples.length > 0)
      test(code, () => {
        for (const yaml of examples) {
          const raised = raisedBy(yaml, strictness);
          assert.ok(raised.has(code), `raised are ${[...raised].join(', ') || 'none'}`);
        }
      });
  }
});

test('a code without example is raised in a test', () => {
  const files = globSync('test/**/*.test.ts', { cwd: repositoryDir }).filter((file) => !file.includes('problem-pages'));
  const text = files.map((file) => readFileSync(path.join(repositoryDir, file), 'utf8')).join('\n');
  const untested = Object.keys(codes).filter(
    (code) => !pageOf(code).includes('```yaml') && !text.includes(code) && !IN_PROCESSES.has(code),
  );
  assert.deepEqual(untested, []);
});
