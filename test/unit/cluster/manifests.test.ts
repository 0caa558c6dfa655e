import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { defaultSettings } from '#config/defaults.ts';
import { appliedManifests, type Manifest, manifestFiles, manifests } from '#test/kit/cluster-manifests.ts';
import { repositoryDir } from '#test/kit/import-graph.ts';

const { namespace } = defaultSettings({});
const kinds = ['Gateway', 'VirtualService', 'DestinationRule', 'ServiceEntry', 'WorkloadEntry'];

test('every manifest is an object with apiVersion, kind and name', () => {
  for (const file of manifestFiles())
    for (const { apiVersion, kind, metadata } of manifests(file))
      assert.ok(apiVersion && kind && metadata.name, `${file}: ${kind}`);
});

test('`kubectl apply` of the folder touches no namespace and no kind, which a cluster with Istio has already', () => {
  assert.deepEqual(
    appliedManifests()
      .map(({ kind }) => `${kind}`)
      .sort(),
    ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'ServiceAccount'],
  );
});

for (const [file, apiVersion] of [
  ['without-istio/crds.yaml', 'apiextensions.k8s.io/v1'],
  ['without-istio/kubernetes-1.12/crds.yaml', 'apiextensions.k8s.io/v1beta1'],
] as const)
  test(`${file} defines the kinds in all three versions, v1 stored, with a status`, () => {
    const definitions = manifests(file);
    assert.deepEqual(
      definitions.map(({ spec }) => spec?.names.kind),
      kinds,
    );
    for (const { spec, metadata, ...definition } of definitions) {
      assert.equal(definition.apiVersion, apiVersion);
      assert.equal(metadata.name, `${spec?.names.plural}.networking.istio.io`);
      assert.deepEqual(
        spec?.versions.map(({ name, served, storage }) => [name, served, storage]),
        [
          ['v1', true, true],
          ['v1beta1', true, false],
          ['v1alpha3', true, false],
        ],
      );
      for (const version of spec?.versions ?? [])
        assert.deepEqual(version.subresources ?? spec?.subresources, { status: {} });
    }
  });

test('no schema lets the API server drop a field that it does not know', () => {
  for (const { spec } of manifests('without-istio/crds.yaml'))
    for (const { schema } of spec?.versions ?? []) {
      const root = schema?.openAPIV3Schema as Schema;
      for (const part of [root, ...Object.values(root.properties ?? {})])
        assert.equal(part['x-kubernetes-preserve-unknown-fields'], true);
    }
  // in v1beta1 that is the default, and Kubernetes 1.12 refuses the field
  const old = readFileSync(path.join(repositoryDir, 'config/cluster/without-istio/kubernetes-1.12/crds.yaml'), 'utf8');
  assert.doesNotMatch(old, /preserve/);
});

type Schema = {
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly properties?: Record<string, Schema>;
};

test("every binding gives an existing role to the one account, in the settings' default namespace", () => {
  for (const files of [['account.yaml', 'permissions.yaml'], ['per-namespace/secrets.yaml']]) {
    const objects = files.flatMap(manifests);
    const roles = new Set(objects.filter(({ rules }) => rules).map(nameOf));
    for (const { roleRef, subjects } of objects.filter((object) => object.roleRef)) {
      assert.ok(roles.has(`${roleRef?.kind} ${roleRef?.name}`));
      assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: 'mesh-gateway', namespace }]);
    }
  }
  for (const { kind, metadata } of [...manifests('account.yaml'), ...manifests('permissions.yaml')])
    assert.equal(metadata.namespace, kind?.startsWith('Cluster') ? undefined : namespace);
  for (const file of manifestFiles().filter((file) => file.endsWith('namespace.yaml')))
    assert.equal(manifests(file)[0]?.metadata.name, namespace);
});

test('no rule grants everything, nor reading Secrets of the whole cluster', () => {
  for (const object of manifestFiles().flatMap(manifests))
    for (const rule of object.rules ?? []) {
      const words = [...rule.apiGroups, ...rule.resources, ...rule.verbs];
      assert.ok(!words.some((word) => word.includes('*')), JSON.stringify(rule));
      if (object.kind === 'ClusterRole') assert.ok(!rule.resources.includes('secrets'));
    }
});

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}
