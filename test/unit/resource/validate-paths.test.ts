import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { validatePaths } from '#gateway/control/validate-paths.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'validate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** `sub/a.yaml:3:5 error MG0001`, sorted as validation sorts. */
async function lines(...paths: string[]): Promise<string[]> {
  const { problems } = await validatePaths(paths.map((one) => path.join(folder, one)));
  return problems.map(({ position, severity, code }) => {
    const file = path.relative(folder, position?.file ?? '') || '.';
    return `${file}:${position?.line}:${position?.column} ${severity} ${code}`;
  });
}

const service = (name: string) =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec: {ports: [{port: 80}]}\n`;

test('a folder is read with its subfolders, by the extensions of objects, hidden files left out', async () => {
  write('b.yaml', service('b'));
  write('sub/deep/a.yml', service('a'));
  write('sub/c.json', JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'c' }, spec: {} }));
  write('sub/.hidden.yaml', '{');
  write('notes.txt', '{');
  symlinkSync(path.join(folder, 'b.yaml'), path.join(folder, 'link.txt'));
  assert.deepEqual(await validatePaths([folder]), { problems: [], objects: 3, files: 3 });
});

test('a file that is named is read whatever its extension, and once', async () => {
  const file = write('objects.conf', service('a'));
  const { files, objects } = await validatePaths([file, file]);
  assert.deepEqual([files, objects], [1, 1]);
});

test('problems of all files come sorted by file, line and column', async () => {
  write('b.yaml', `${service('b').replace('spec', 'spek')}---\na: [\n`);
  write('a.yaml', service('B'));
  assert.deepEqual(await lines('b.yaml', 'a.yaml'), [
    'a.yaml:4:9 error IST0106',
    'b.yaml:1:1 error IST0106',
    'b.yaml:5:1 error MG0201',
    'b.yaml:8:1 error MG0001',
  ]);
});

test('files are checked against each other: one refers to what another one lacks, or defines it again', async () => {
  write(
    '1.yaml',
    `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec: {host: a, subsets: [{name: v1}]}\n---\n${service('a')}`,
  );
  write(
    '2.yaml',
    `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  hosts: ["*"]\n  gateways: [g]\n  http:\n  - route:\n    - destination:\n        host: a\n        subset: v2\n---\n${service('a')}`,
  );
  assert.deepEqual(await lines('.'), [
    '2.yaml:6:14 warning IST0101',
    '2.yaml:11:17 error MG0303',
    '2.yaml:13:1 error MG0006',
  ]);
});

test('a path to nothing is an error, an empty folder a warning', async () => {
  mkdirSync(path.join(folder, 'empty'));
  assert.deepEqual(await lines('missing.yaml', 'empty'), ['empty:1:1 warning MG0007', 'missing.yaml:1:1 error MG0004']);
});

test('- is read from standard input, together with the files that are named', async () => {
  const file = write('a.yaml', service('a'));
  const { problems, objects } = await validatePaths(['-', file], undefined, { stdin: async () => service('A') });
  assert.deepEqual(
    problems.map(({ position, code }) => `${position?.file}:${position?.line} ${code}`),
    ['<stdin>:4 IST0106'],
  );
  assert.equal(objects, 2);
});

test('objects that name no namespace are of the one that is given', async () => {
  const gateway =
    'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec: {servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: ["*"]}]}\n';
  const route =
    'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {hosts: [a.example], gateways: [edge], http: [{route: [{destination: {host: a}}]}]}\n';
  const file = write('v.yaml', `${gateway}---\n${route}---\n${service('a')}`);
  const codes = async (namespace?: string) =>
    (await validatePaths([file], {}, { namespace })).problems.map(({ code, object }) => `${code} ${object?.namespace}`);
  assert.deepEqual(await codes(), ['IST0101 default']);
  assert.deepEqual(await codes('shop'), []);
});

test('a Gateway that is defined twice is told as that, and is no rival of its own', async () => {
  const gateway =
    'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: ["*"]}]}\n';
  write('one.yaml', gateway);
  write('two.yaml', gateway);
  assert.deepEqual(await lines('.'), ['two.yaml:1:1 error MG0006']);
});
