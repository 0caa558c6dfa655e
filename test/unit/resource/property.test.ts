import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { analyze } from '#gateway/control/resource/analyze.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { POLICY_KINDS } from '#gateway/control/resource/resource.ts';
import { parseYamlDocuments, plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import { honoured } from './honoured.ts';

const options = { defaultNamespace: 'default', strictness: 'folder' } as const;

const apiVersions = ['networking.istio.io/v1', 'networking.istio.io/v1alpha3', 'v1', 'discovery.k8s.io/v1', 'apps/v1'];
const guarding = [
  'security.istio.io/v1',
  'telemetry.istio.io/v1',
  'extensions.istio.io/v1alpha1',
  'networking.k8s.io/v1',
];
const guards = ['AuthorizationPolicy', 'RequestAuthentication', 'PeerAuthentication', 'EnvoyFilter', 'WasmPlugin'];
const told = ['TrafficExtension', 'Telemetry', 'HTTPRoute', 'Ingress'];
const kinds = ['Gateway', 'VirtualService', 'DestinationRule', 'ServiceEntry', 'WorkloadEntry', 'Service'];
const others = ['Endpoints', 'EndpointSlice', 'Pod', 'Secret', 'Namespace', 'Deployment'];

/** Values that people write in the wrong place. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(undefined, null, '', '*', 'a.example', -1, 0, 1e21, Number.NaN, [], {}, [null], {
    '': null,
  }),
);

/** Replaces one node of a value, found by walking down by chance. */
function mutated(value: unknown, steps: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return replacement;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  const entries = Object.entries(value).map(([name, child]) => [
    name,
    name === key ? mutated(child, rest, replacement) : child,
  ]);
  return Array.isArray(value) ? entries.map(([, child]) => child as unknown) : Object.fromEntries(entries);
}

const goodObjects = Object.entries(honoured).flatMap(([kind, fields]) =>
  [...fields.values()]
    .flat()
    .map((spec) => ({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'x' }, spec })),
);

test('reading never throws, whatever the value is, and says why whenever it gives no resource', () => {
  const objects = fc.oneof(
    anything,
    fc.record(
      {
        apiVersion: fc.constantFrom(...apiVersions, ...guarding, 'gateway.networking.k8s.io/v1'),
        kind: fc.constantFrom(...kinds, ...others, ...guards, ...told),
        metadata: anything,
        spec: anything,
        data: anything,
        subsets: anything,
        status: anything,
      },
      { requiredKeys: [] },
    ),
    fc
      .tuple(fc.constantFrom(...goodObjects), fc.array(fc.nat(9), { maxLength: 8 }), anything)
      .map(([value, steps, replacement]) => mutated(value, steps, replacement)),
  );
  fc.assert(
    fc.property(objects, (value) => {
      const { resource, problems } = readObject(plainDocument(value, 'f'), options);
      if (resource === undefined) assert.ok(problems.length > 0);
      else analyze([resource], { gatewayNamespace: 'istio-system', scope: 'partial', gatewayLabels: {} });
      for (const { message } of problems) assert.match(message, /\S.*[.?]$/s);
    }),
    { numRuns: 3000 },
  );
});

/** Field names of policies. */
const POLICY_WORDS =
  'selector matchLabels targetRefs rules from to operation hosts action configPatches applyTo match context patch value name ' +
  'workloadSelector labels jwtRules phase wasm mtls mode portLevelMtls tracing parentRefs kind ingressClassName';

/** The same, nested by chance. */
const policySpec = fc.object({
  key: fc.constantFrom(...POLICY_WORDS.split(' ')),
  maxDepth: 5,
  withNullPrototype: false,
});

test('an object that may guard hosts is kept, whatever is wrong with it, and judged without throwing', () => {
  const applied = fc.oneof(fc.string(), fc.json());
  const objects = fc.record({
    apiVersion: fc.constantFrom('security.istio.io/v1', 'networking.istio.io/v1alpha3', 'extensions.istio.io/v1alpha1'),
    kind: fc.constantFrom(...guards, ...told),
    metadata: applied.map((text) => ({
      name: 'x',
      namespace: 'istio-system',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': text },
    })),
    spec: fc.oneof(policySpec, anything),
  });
  fc.assert(
    fc.property(objects, fc.constantFrom('folder' as const, 'cluster' as const), (value, strictness) => {
      const read = readObject(plainDocument(value, 'f'), { ...options, strictness });
      const isGuard = read.key !== undefined && POLICY_KINDS.some((kind) => read.key?.startsWith(`${kind}/`));
      if (isGuard) assert.ok(read.resource);
      if (read.resource === undefined) return;
      const found = analyze([read.resource], { gatewayNamespace: 'istio-system', scope: 'whole', gatewayLabels: {} });
      for (const { message } of found) assert.match(message, /\S.*[.?]$/s);
    }),
    { numRuns: 3000 },
  );
});

test('an object that is printed as YAML is read as it was', () => {
  fc.assert(
    fc.property(fc.constantFrom(...goodObjects), (value) => {
      const [document] = parseYamlDocuments(stringify(value, { version: '1.1' }), 'f').documents;
      assert.deepEqual(document?.value, value);
      assert.deepEqual(
        readObject(document, options).resource?.spec,
        readObject(plainDocument(value, 'f'), options).resource?.spec,
      );
    }),
    { numRuns: 200 },
  );
});

test('parsing never throws, whatever the text is, and every position lies inside it', () => {
  const pieces = fc.constantFrom(
    'a: 1\n',
    '- ',
    '[',
    '{',
    '"',
    "'",
    '---\n',
    '...\n',
    '&x ',
    '*x ',
    '!!t ',
    '|\n',
    '\t',
    ': ',
    '%YAML 1.2\n',
    '<<: ',
    '? ',
    '#',
    '\r\n',
    '  ',
    ']',
    '}',
    'kind: List\nitems:\n',
  );
  const texts = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const { documents, problems } = parseYamlDocuments(text, 'f');
      const lines = text.split('\n').length;
      for (const position of [
        ...problems.map((problem) => problem.position),
        ...documents.map((document) => document.position),
      ]) {
        assert.ok(position && position.line >= 1 && position.line <= lines && position.column >= 1);
      }
      for (const document of documents) readObject(document, options);
    }),
    { numRuns: 3000 },
  );
});
