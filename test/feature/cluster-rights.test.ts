/**
 * The account of config/cluster can do what the program asks for, and nothing else: the whole program runs against API
 * servers that enforce its rights, what needs an event is made to happen, and their audit logs are laid beside the rules.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { TokenRenewal } from '#gateway/control/kubernetes/token-renewal.ts';
import { realTimers } from '#gateway/support/timers.ts';
import type { AuditEntry } from '../kit/api-server/audit-log.ts';
import { gatewayApiDefinitions, istioDefinitions } from '../kit/api-server/istio-definitions.ts';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { makeCa } from '../kit/certificates.ts';
import { ClusterGateway, type ClusterGatewayOptions, MYAPP } from '../kit/cluster-gateway.ts';
import { appliedManifests, type Manifest, manifests } from '../kit/cluster-manifests.ts';
import { eventually } from '../kit/eventually.ts';
import { request } from '../kit/gateway.ts';

const account = 'system:serviceaccount:istio-system:mesh-gateway';
/** Where the Secrets of one more namespace are read. */
const furtherNamespace = 'default';

const asked: AuditEntry[] = [];

before(async () => {
  const definitions = [...istioDefinitions(), ...gatewayApiDefinitions()];
  await run({ server: { definitions } }, async (cluster) => {
    await shiftUntilConflict(cluster);
    await breakTwice(cluster);
    await renewToken(cluster);
    await told(cluster);
  });
  await run({ source: { endpoints: 'nodePort' } }, watches('nodes'));
  const old = { version: '1.12', definitions: manifests('without-istio/kubernetes-1.12/crds.yaml') } as const;
  await run({ server: old, endpoints: 'endpoints' }, watches('ingresses.extensions'));
});

test('nothing that the program asks for is refused', () => {
  assert.deepEqual(
    asked.filter(({ code }) => code === 403).map((entry) => `${entry.verb} ${nameOf(entry)} in "${entry.namespace}"`),
    [],
  );
});

test('nothing is granted that the program never asks for', () => {
  const granted = [...appliedManifests(), ...furtherSecrets()].flatMap(grantsOf);
  assert.ok(granted.length > 40);
  const unused = granted.filter((grant) => !asked.some((entry) => isUseOf(grant, entry)));
  assert.deepEqual(
    unused.map(({ role, verb, resource }) => `${role}: ${verb} ${resource}`),
    [],
  );
});

type Grant = {
  readonly role: string;
  readonly namespace: string | undefined;
  readonly verb: string;
  readonly resource: string;
};

/** Every single right of a role. */
function grantsOf({ kind, metadata, rules = [] }: Manifest): Grant[] {
  const role = `${kind} ${metadata.name}`;
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({ role, namespace: metadata.namespace, verb, resource: qualified(resource, group) })),
      ),
    ),
  );
}

function isUseOf({ namespace, verb, resource }: Grant, entry: AuditEntry): boolean {
  return (
    entry.verb === verb && nameOf(entry) === resource && (namespace === undefined || namespace === entry.namespace)
  );
}

function nameOf({ group, resource, subresource }: AuditEntry): string {
  return qualified(subresource === '' ? resource : `${resource}/${subresource}`, group);
}

function qualified(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** One life of the program in one cluster. */
async function run(options: ClusterGatewayOptions, use: (cluster: ClusterGateway) => Promise<void>): Promise<void> {
  const cluster = await ClusterGateway.start({
    ...options,
    account,
    server: { rbac: 'enforced', ...options.server },
    objects: [...appliedManifests(), ...furtherSecrets(), ...(await objectsOfAllKinds())],
  });
  try {
    await use(cluster);
  } finally {
    await cluster.stop();
    asked.push(...cluster.server.audit.entries({ user: account }));
  }
}

/** As `kubectl apply -n NAMESPACE -f config/cluster/per-namespace` makes them. */
function furtherSecrets(): Manifest[] {
  return manifests('per-namespace/secrets.yaml').map((manifest) => ({
    ...manifest,
    metadata: { ...manifest.metadata, namespace: furtherNamespace },
  }));
}

/** What the example lacks: a certificate, which is read as a Secret, and the kinds beside those of its routes. */
async function objectsOfAllKinds(): Promise<KubeObject[]> {
  const { certificatePem, privateKeyPem } = await (await makeCa('site')).issue({ names: ['shop.example'] });
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const istio = (kind: string, name: string, spec: object): KubeObject => ({
    apiVersion: 'networking.istio.io/v1alpha3',
    kind,
    metadata: { name, namespace: furtherNamespace },
    spec,
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      // Not in the gateway's own namespace: only then is any other one asked for it.
      metadata: { name: 'shop', namespace: furtherNamespace },
      data: { 'tls.crt': encode(certificatePem), 'tls.key': encode(privateKeyPem) },
    },
    istio('Gateway', 'secure', {
      selector: { istio: 'ingressgateway' },
      servers: [
        {
          port: { number: 443, name: 'https', protocol: 'HTTPS' },
          hosts: ['shop.example'],
          tls: { mode: 'SIMPLE', credentialName: 'shop' },
        },
        {
          port: { number: 443, name: 'https-clients', protocol: 'HTTPS' },
          hosts: ['clients.example'],
          tls: { mode: 'MUTUAL', credentialName: 'shop', caCertCredentialName: 'clients' },
        },
      ],
    }),
    istio('ServiceEntry', 'outside', {
      hosts: ['outside.example'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: '192.0.2.1' }],
      misspelt: 'so that there is something to say',
    }),
    istio('DestinationRule', 'outside', { host: 'outside.example', misspelt: 'here too' }),
  ];
}

/** Objects for every gateway, which this one does not enforce; and a machine with a fault. */
function unenforced(): KubeObject[] {
  const object = (apiVersion: string, kind: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'all', namespace: 'istio-system' },
    spec,
  });
  const lua = { operation: 'INSERT_BEFORE', value: { name: 'envoy.filters.http.lua' } };
  return [
    object('networking.istio.io/v1', 'WorkloadEntry', { address: '192.0.2.1', misspelt: 'here as well' }),
    object('networking.istio.io/v1alpha3', 'EnvoyFilter', {
      configPatches: [{ applyTo: 'HTTP_FILTER', match: { context: 'GATEWAY' }, patch: lua }],
    }),
    object('security.istio.io/v1', 'AuthorizationPolicy', { action: 'DENY', rules: [{}] }),
    object('security.istio.io/v1', 'RequestAuthentication', { jwtRules: [{ issuer: 'https://issuer.example' }] }),
    object('extensions.istio.io/v1alpha1', 'WasmPlugin', { url: 'oci://registry.example/plugin' }),
    object('extensions.istio.io/v1alpha1', 'TrafficExtension', { lua: { inlineCode: '' } }),
    object('telemetry.istio.io/v1', 'Telemetry', { accessLogging: [{ disabled: true }] }),
  ];
}

function watches(resource: string): (cluster: ClusterGateway) => Promise<void> {
  return async ({ server }) => void (await eventually(() => server.watches().includes(resource)));
}

/** An API server that says 409 makes the program look at the VirtualService once more. */
async function shiftUntilConflict({ server, gateway }: ClusterGateway): Promise<void> {
  let weight = 50;
  await eventually(async () => {
    server.faults.answer(409, { verbs: ['patch'], resources: ['virtualservices.networking.istio.io'], times: 1 });
    weight += 1;
    await request(
      {
        socketPath: gateway.socket,
        method: 'PUT',
        path: '/api/v1/traffic/default/myapp',
        headers: { host: 'localhost', 'content-type': 'application/json' },
      },
      JSON.stringify({ weights: { v1: weight, v2: 100 - weight }, reason: 'test' }),
    );
    return (
      server.audit.entries({ user: account, verb: 'get', resource: 'virtualservices', subresource: '' }).length > 0
    );
  });
}

/** A fault is told by an Event; once mended and made again, by the same one. */
async function breakTwice({ server }: ClusterGateway): Promise<void> {
  const isToldAgain = () => server.audit.entries({ user: account, resource: 'events', verb: 'patch' }).length > 0;
  const { http } = (server.object(MYAPP)?.['spec'] ?? {}) as { readonly http?: unknown };
  const write = (rules: unknown) => server.patch(MYAPP, { spec: { http: rules } });
  const bad = [{ route: [{ destination: { host: 'myapp', subset: 'v9' } }] }];
  const says = (status: string) => JSON.stringify(server.object(MYAPP)?.['status'] ?? '').includes(`"${status}"`);
  write(bad);
  await eventually(() => says('False'), { timeoutMs: 20_000, what: 'the fault stands on the object' });
  write(http);
  await eventually(() => says('True'), { timeoutMs: 20_000, what: 'the object is good again' });
  write(bad);
  await eventually(isToldAgain, { timeoutMs: 20_000, what: 'the Event is told again' });
}

/** Two days later. */
async function renewToken({ kubeconfig }: ClusterGateway): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-token-'));
  const renewed = Promise.withResolvers<unknown>();
  const renewal = new TokenRenewal({
    file: path.join(folder, 'token.json'),
    timers: realTimers,
    now: () => Date.now() + 2 * 86_400_000,
    random: () => 0,
    onProblems: (problems) => problems.length > 0 && renewed.reject(new Error(problems[0]?.message)),
    onRenewed: renewed.resolve,
  });
  const client = new ApiClient(new AccessFile({ kubeconfig, renewal }));
  renewal.start(client);
  await client.request({ method: 'GET', path: '/api/v1/namespaces' });
  await renewed.promise;
  await renewal.close();
  await client.close();
  assert.match(readFileSync(path.join(folder, 'token.json'), 'utf8'), /"renews"/);
  rmSync(folder, { recursive: true });
}

/** What is told in time: the status of kinds that carry one only when something is wrong, and the other nodes. */
async function told({ server }: ClusterGateway): Promise<void> {
  const did = (verb: AuditEntry['verb'], resource: string): boolean =>
    server.audit.entries({ user: account, verb, resource }).length > 0;
  const all = () => did('patch', 'destinationrules') && did('patch', 'serviceentries') && did('list', 'leases');
  await eventually(all, { timeoutMs: 30_000, what: 'statuses are written and the other nodes are looked for' });
  // What was found in a list is written as it was seen there; what somebody has changed since is read first.
  const changed = [
    ['Gateway', 'secure', 'gateways'],
    ['DestinationRule', 'outside', 'destinationrules'],
    ['ServiceEntry', 'outside', 'serviceentries'],
  ] as const;
  for (const [kind, name] of changed)
    server.patch(
      { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace: furtherNamespace } },
      { spec: { misspelt: 'again' } },
    );
  const areRead = () => changed.every(([, , resource]) => did('get', resource));
  await eventually(areRead, { timeoutMs: 30_000, what: 'statuses are read' });
  server.apply(...unenforced());
  const others = [
    'workloadentries',
    'envoyfilters',
    'authorizationpolicies',
    'requestauthentications',
    'wasmplugins',
    'trafficextensions',
    'telemetries',
  ];
  const areTold = () => others.every((resource) => did('get', resource) && did('patch', resource));
  await eventually(areTold, { timeoutMs: 30_000, what: 'what is not enforced says so' });
}
