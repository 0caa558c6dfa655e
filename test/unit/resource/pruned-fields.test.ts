import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';

const route = [{ destination: { host: 'shop' } }];
const spec = { hosts: ['a.example'], gateways: ['gw'], http: [{ route }] };

/** What is said of an object of a cluster whose last `kubectl apply` was given `applied`. */
function pruned(
  applied: unknown,
  options: { spec?: unknown; strictness?: 'folder' | 'cluster'; text?: string } = {},
): Problem[] {
  const annotations = {
    'kubectl.kubernetes.io/last-applied-configuration': options.text ?? JSON.stringify({ spec: applied }),
  };
  const value = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'shop', namespace: 'default', annotations },
    spec: options.spec ?? spec,
  };
  const read = readObject(plainDocument(value, 'cluster:/x'), {
    defaultNamespace: 'default',
    strictness: options.strictness ?? 'cluster',
  });
  assert.ok(read.resource, 'a dropped field never keeps an object from being served');
  return read.problems.filter(({ code }) => code === 'MG0206');
}

test('a misspelt field that the API server dropped is named with its place and the nearest field', () => {
  const [problem, ...others] = pruned({ ...spec, http: [{ route: [{ destination: { host: 'shop' }, wieght: 3 }] }] });
  assert.deepEqual(others, []);
  assert.equal(problem?.field, 'spec.http[0].route[0].wieght');
  assert.equal(problem?.severity, 'warning');
  assert.match(problem?.message ?? '', /Did you mean "weight"\?/);
});

test('a field in the wrong place is named once, with all that is in it', () => {
  const misplaced = { destination: { host: 'shop', retries: { attempts: 3 } } };
  assert.deepEqual(
    pruned({ ...spec, http: [{ route: [misplaced] }] }).map(({ field }) => field),
    ['spec.http[0].route[0].destination.retries'],
  );
});

test('a known field that is gone may be new to the cluster, or was changed by other means', () => {
  const [problem] = pruned({ ...spec, http: [{ route, timeout: '5s' }] });
  assert.equal(problem?.field, 'spec.http[0].timeout');
  assert.match(problem?.message ?? '', /too old to know it, or the object was changed since/);
});

test('what was changed since, is null, or cannot be told apart raises nothing', () => {
  assert.deepEqual(pruned(spec), []);
  assert.deepEqual(pruned({ ...spec, hosts: ['b.example'], exportTo: null }), []);
  assert.deepEqual(pruned({ ...spec, http: [{ route, wieght: 1 }, { route }] }), [], 'another number of rules');
  assert.deepEqual(pruned({ ...spec, wieght: 1 }, { strictness: 'folder' }), [], 'nobody dropped a field of a file');
  for (const text of ['', 'no JSON', '[]', 'null', '{"spec":7}']) assert.deepEqual(pruned({}, { text }), []);
});

test('of a Secret nothing is compared: its annotation would hold its data', () => {
  const metadata = {
    name: 's',
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{},"data":{"x":"c2VjcmV0"},"dta":{}}' },
  };
  const read = readObject(plainDocument({ apiVersion: 'v1', kind: 'Secret', metadata }, 'cluster:/x'), {
    defaultNamespace: 'default',
    strictness: 'cluster',
  });
  assert.deepEqual(read.problems, []);
});
