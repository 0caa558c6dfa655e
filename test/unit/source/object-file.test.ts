import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpretFile, knownFile, type ObjectFile } from '#gateway/control/source/object-file.ts';
import { destinationRuleYaml, gatewayYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

const three = [gatewayYaml(), destinationRuleYaml(), virtualServiceYaml()].join('---\n');

function keys(file: ObjectFile): string[] {
  return file.objects.map((object) => object.key);
}

test('a document that does not change keeps the identity of its object', () => {
  const first = interpretFile('f', three, undefined);
  const second = interpretFile('f', three.replace('weight: 50', 'weight: 51'), first);
  assert.equal(second.objects[0], first.objects[0]);
  assert.equal(second.objects[1], first.objects[1]);
  assert.notEqual(second.objects[2], first.objects[2]);
});

test('an object that only moved is read again, so that its problems point at the right line', () => {
  const first = interpretFile('f', three, undefined);
  const second = interpretFile('f', `# a comment\n${three}`, first);
  assert.equal(second.objects[0]?.position.line, (first.objects[0]?.position.line ?? 0) + 1);
  assert.equal(second.objects[0]?.fingerprint, first.objects[0]?.fingerprint);
});

test('a syntax error in one document holds what the file defined there, and takes the others', () => {
  const first = interpretFile('f', three, undefined);
  const broken = three
    .replace('kind: DestinationRule', 'kind: DestinationRule\nspec: [')
    .replace('weight: 50', 'weight: 70');
  const second = interpretFile('f', broken, first);
  assert.deepEqual(keys(second), ['Gateway/default/edge', 'VirtualService/default/shop']);
  assert.deepEqual(second.held, ['DestinationRule/default/shop']);
  assert.equal(second.problems[0]?.code, 'MG0001');
});

test('a document whose kind is misspelt does not remove the object it was', () => {
  const first = interpretFile('f', three, undefined);
  const second = interpretFile('f', three.replace('kind: VirtualService', 'kind: VirtualServise'), first);
  assert.deepEqual(second.held, ['VirtualService/default/shop']);
});

test('a document of a kind that is not served hides nothing: what is gone beside it is gone', () => {
  const first = interpretFile('f', three, undefined);
  const route = 'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r }\n';
  const second = interpretFile('f', [gatewayYaml(), route].join('---\n'), first);
  assert.deepEqual(second.held, []);
});

test('an object with a schema error keeps its key, so that its last good version stays', () => {
  const first = interpretFile('f', three, undefined);
  const second = interpretFile('f', three.replace('weight: 50', 'wieght: 50'), first);
  assert.deepEqual(keys(second), keys(first));
  assert.equal(second.objects[2]?.resource, undefined);
  assert.equal(second.objects[2]?.problems[0]?.severity, 'error');
});

test('a file that becomes empty holds what it defined; one that holds a comment only is obeyed', () => {
  const first = interpretFile('f', three, undefined);
  const empty = interpretFile('f', ' \n', first);
  assert.equal(empty.held.length, 3);
  assert.equal(empty.problems[0]?.code, 'MG1002');
  assert.deepEqual(interpretFile('f', '# nothing any more\n', first).held, []);
  assert.deepEqual(interpretFile('new', '', undefined).problems, []);
});

test('what a file held before a restart is held while it is broken, through any number of changes', () => {
  const known = knownFile('f', ['Gateway/default/edge', 'VirtualService/default/shop']);
  const broken = interpretFile('f', `${gatewayYaml()}---\nspec: [\n`, known);
  assert.deepEqual(broken.held, ['VirtualService/default/shop']);
  const again = interpretFile('f', `${gatewayYaml()}---\nspec: [[\n`, broken);
  assert.deepEqual(again.held, ['VirtualService/default/shop']);
  assert.deepEqual(interpretFile('f', gatewayYaml(), again).held, []);
});
