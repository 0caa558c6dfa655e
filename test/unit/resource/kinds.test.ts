import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brief, readOne } from './reading.ts';

function reading(apiVersion: string, kind: string, metadata = '{name: x}') {
  return readOne(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}\nspec: {}\n`);
}

describe('kinds', () => {
  test('that an edge does not need load with an info, whatever their version', () => {
    for (const [apiVersion, kind] of [
      ['extensions/v1beta1', 'Deployment'],
      ['apps/v1', 'StatefulSet'],
      ['batch/v1', 'Job'],
      ['networking.k8s.io/v1', 'NetworkPolicy'],
      ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ] as const)
      assert.deepEqual(brief(reading(apiVersion, kind).problems), ['2:1 info MG0101 kind']);
  });

  test('of ConfigMaps only those with a CA are needed', () => {
    const map = (data: string) => readOne(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {${data}}\n`);
    assert.deepEqual(brief(map('a: b').problems), ['2:1 info MG0101 kind']);
    assert.deepEqual(map('ca.crt: b, a: b').problems, []);
  });

  test('that would change routing or security are errors, never silence', () => {
    for (const [apiVersion, kind] of [
      ['gateway.networking.k8s.io/v1', 'GatewayClass'],
      ['gateway.networking.k8s.io/v1alpha2', 'TCPRoute'],
      ['networking.istio.io/v1', 'Sidecar'],
    ] as const)
      assert.deepEqual(brief(reading(apiVersion, kind).problems), ['2:1 error MG0102 kind']);
  });

  test('that are read only to say what is not enforced are found in each of their groups and versions', () => {
    for (const [apiVersion, kind, key = kind] of [
      ['gateway.networking.k8s.io/v1beta1', 'HTTPRoute'],
      ['gateway.networking.k8s.io/v1', 'Gateway', 'KubernetesGateway'],
      ['networking.k8s.io/v1', 'Ingress'],
      ['extensions/v1beta1', 'Ingress'],
      ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
      ['security.istio.io/v1', 'AuthorizationPolicy'],
      ['security.istio.io/v1', 'RequestAuthentication'],
      ['security.istio.io/v1beta1', 'PeerAuthentication'],
      ['extensions.istio.io/v1alpha1', 'WasmPlugin'],
      ['extensions.istio.io/v1alpha1', 'TrafficExtension'],
      ['telemetry.istio.io/v1', 'Telemetry'],
    ] as const)
      assert.equal(reading(apiVersion, kind).key, `${key}/default/x`);
    assert.deepEqual(brief(reading('security.istio.io/v2', 'AuthorizationPolicy').problems), ['2:1 error MG0103 kind']);
  });

  test('that nobody knows are errors in groups about traffic, else warnings; a near name is suggested', () => {
    assert.deepEqual(brief(reading('networking.istio.io/v1', 'VirtualServise').problems), ['2:1 error MG0103 kind']);
    assert.match(reading('networking.istio.io/v1', 'VirtualServise').problems[0]?.message ?? '', /"VirtualService"/);
    assert.deepEqual(brief(reading('security.istio.io/v1', 'Nope').problems), ['2:1 error MG0103 kind']);
    assert.deepEqual(brief(reading('example.com/v1', 'Widget').problems), ['2:1 warning MG0103 kind']);
  });

  test('in a group or version that is not theirs are errors that name the right ones', () => {
    const { problems } = reading('networking.istio.io/v2', 'Gateway');
    assert.deepEqual(brief(problems), ['2:1 error MG0103 kind']);
    assert.match(problems[0]?.message ?? '', /networking\.istio\.io\/v1,/);
    assert.match(reading('v1beta1', 'Service').problems[0]?.message ?? '', /apiVersion v1\./);
  });
});

describe('metadata', () => {
  test('gives namespace, labels, annotations and time; the namespace is default by default', () => {
    const { key, resource } = readOne(
      'apiVersion: v1\nkind: Service\nmetadata: {name: x, labels: {a.b/c: d}, annotations: {e: "f g"}, creationTimestamp: "2026-01-01T00:00:00Z", uid: u, managedFields: []}\nspec: {}\n',
    );
    assert.equal(key, 'Service/default/x');
    assert.deepEqual(resource?.labels, { 'a.b/c': 'd' });
    assert.deepEqual(resource?.annotations, { e: 'f g' });
    assert.equal(resource?.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(reading('v1', 'Namespace', '{name: shop}').key, 'Namespace//shop');
  });

  test('faults: names, labels and unknown fields', () => {
    assert.deepEqual(brief(reading('v1', 'Service', '{name: Bad_Name, namespace: a.b}').problems), [
      '3:18 error IST0106 metadata.name',
      '3:39 error IST0106 metadata.namespace',
    ]);
    assert.deepEqual(
      brief(reading('v1', 'Service', '{name: x, labels: {version: 1.0, "a b": c, d: "e f", g: }}').problems),
      [
        '3:39 error IST0106 metadata.labels.version',
        '3:44 error IST0106 metadata.labels["a b"]',
        '3:57 error IST0106 metadata.labels.d',
        '3:67 error IST0106 metadata.labels.g',
      ],
    );
    assert.deepEqual(brief(reading('v1', 'Service', '{name: x, lables: {}}').problems), [
      '3:21 error MG0201 metadata.lables',
    ]);
    assert.deepEqual(brief(reading('v1', 'Service', '{}').problems), ['3:1 error IST0106 metadata.name']);
  });
});

test('a document that is no object says what it needs', () => {
  assert.deepEqual(brief(readOne('- a\n').problems), ['1:1 error MG0005']);
  assert.deepEqual(brief(readOne('hello\n').problems), ['1:1 error MG0005']);
  assert.match(readOne('a: 1\n').problems[0]?.message ?? '', /no apiVersion and no kind/);
});
