import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coversDomain, coversWholly } from '#gateway/control/resource/policies/host-cover.ts';
import { closures } from '#gateway/control/resource/policies/verdict.ts';
import { type ReadResult, readObject } from '#gateway/control/resource/read-object.ts';
import type { PolicyResource } from '#gateway/control/resource/resource.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';

// A fault in an object that may guard hosts never opens one of them: whatever is misspelt or of another type in it.
const workload = { namespace: 'edge', rootNamespace: 'istio-system', labels: { istio: 'ingressgateway' } };
const domains = ['a.example', 'b.example', '*.example', '*'];

const versions: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
  WasmPlugin: 'extensions.istio.io/v1alpha1',
  TrafficExtension: 'extensions.istio.io/v1alpha1',
};

const ours = { matchLabels: { istio: 'ingressgateway' } };
const rule = { from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }], to: [{ operation: { hosts: ['a.example'] } }] };
const wholly = { to: [{ operation: { hosts: ['a.example', 'a.example:*'] } }] };
const filter = { name: 'envoy.filters.http.rbac', typed_config: {} };
const inserted = {
  applyTo: 'HTTP_FILTER',
  match: { context: 'GATEWAY' },
  patch: { operation: 'INSERT_FIRST', value: filter },
};

const good: readonly (readonly [kind: string, spec: object])[] = [
  ['AuthorizationPolicy', { selector: ours, rules: [rule] }],
  ['AuthorizationPolicy', { action: 'DENY', rules: [rule] }],
  ['AuthorizationPolicy', { action: 'DENY', rules: [{}] }],
  ['AuthorizationPolicy', { action: 'CUSTOM', provider: { name: 'oauth' }, rules: [rule, rule] }],
  ['AuthorizationPolicy', { rules: [wholly, rule] }],
  ['AuthorizationPolicy', { targetRefs: [{ group: 'networking.istio.io', kind: 'Gateway', name: 'g' }] }],
  ['RequestAuthentication', { selector: ours, jwtRules: [{ issuer: 'i', jwks: '{}' }] }],
  ['WasmPlugin', { selector: ours, url: 'oci://x', phase: 'AUTHN', failStrategy: 'FAIL_OPEN' }],
  ['WasmPlugin', { url: 'oci://x', failStrategy: 'FAIL_CLOSE' }],
  ['TrafficExtension', { phase: 'AUTHZ', wasm: { url: 'oci://x', failStrategy: 'FAIL_OPEN' } }],
  ['EnvoyFilter', { workloadSelector: { labels: { istio: 'ingressgateway' } }, configPatches: [inserted] }],
  ['EnvoyFilter', { configPatches: [{ applyTo: 'LISTENER', patch: { operation: 'MERGE', value: { filters: [] } } }] }],
];

function read(kind: string, spec: unknown): ReadResult {
  const metadata = { name: 'p', namespace: 'edge' };
  const document = plainDocument({ apiVersion: versions[kind], kind, metadata, spec }, 'f.yaml');
  return readObject(document, { defaultNamespace: 'default', strictness: 'folder' });
}

function closed({ resource }: ReadResult): string[] {
  assert.ok(resource, 'it is kept, whatever is wrong with it');
  const found = closures([resource as PolicyResource], workload, new Set());
  return domains.filter((domain) =>
    found.some(
      ({ hosts, except = [] }) => !coversWholly(except, domain) && (hosts === undefined || coversDomain(hosts, domain)),
    ),
  );
}

/** Misspells the key, or replaces the value, that the steps lead to. */
function withFault(
  value: unknown,
  [step = 0, ...rest]: readonly number[],
  fault: (key: string, value: unknown) => [string, unknown],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  const chosen = keys[step % Math.max(1, keys.length)];
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => {
    if (key !== chosen) return [key, child];
    const isDeeper = rest.length > 0 && typeof child === 'object' && child !== null && Object.keys(child).length > 0;
    return isDeeper ? [key, withFault(child, rest, fault)] : fault(key, child);
  });
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}

test('a fault anywhere in the spec closes at least what the object closed without it', () => {
  const wrong = fc.oneof(
    fc.constantFrom<unknown>(5, true, 'x', '', [], {}, [5], { x: 'y' }, [{}], [null], [[]]),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const faults = fc.oneof(
    fc.constant((key: string, value: unknown): [string, unknown] => [`${key}z`, value]),
    wrong.map((value) => (key: string): [string, unknown] => [key, value]),
  );
  const steps = fc.array(fc.nat(5), { minLength: 1, maxLength: 7 });
  let counted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...good), steps, faults, ([kind, spec], path, fault) => {
      const faulty = withFault(spec, path, fault);
      const result = read(kind, faulty);
      // Another good object is nobody's fault.
      if (result.problems.length === 0) return;
      counted += 1;
      const now = closed(result);
      for (const domain of closed(read(kind, spec)))
        assert.ok(now.includes(domain), `${domain} is open with ${kind} ${JSON.stringify(faulty)}`);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(counted > 500, `enough faults: ${counted}`);
});

test('a selector with a fault in it selects everything, whatever else stands in it', () => {
  for (const matchLabels of [{ 'a b': 'c', team: 'other' }, { '': false, '0': '' }, { team: 5 }])
    for (const [kind, spec] of [
      ['AuthorizationPolicy', { selector: { matchLabels }, action: 'DENY', rules: [{}] }],
      ['RequestAuthentication', { selector: { matchLabels }, jwtRules: [{ issuer: 'a' }] }],
    ] as const)
      assert.ok(closed(read(kind, spec)).length > 0, `${kind} ${JSON.stringify(matchLabels)}`);
});

test('the good ones of this test close something', () => {
  for (const [kind, spec] of good) {
    const result = read(kind, spec);
    assert.deepEqual(result.problems, [], kind);
    assert.ok(closed(result).length > 0, `${kind} ${JSON.stringify(spec)}`);
  }
});
