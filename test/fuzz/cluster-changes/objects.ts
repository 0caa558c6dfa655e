/**
 * Objects of a small cluster, at random: few names in few namespaces, so that changes meet each other. Every kind that is
 * read, in good and in broken versions.
 */
import fc from 'fast-check';
import { makeCa } from '../../kit/certificates.ts';

/** An object as the API server has it. */
export type AnyObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
};

/** The gateway's own namespace, that of the services, another one, and the root namespace. */
const NAMESPACES = ['edge', 'shop', 'other', 'istio-system'] as const;
const ISTIO = 'networking.istio.io/v1';

const certificates = await twoCertificates();

const namespace = fc.constantFrom(...NAMESPACES);
const service = fc.constantFrom('a', 'b');
const subset = fc.constantFrom('v1', 'v2', 'v3');
const age = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z');
const exportTo = fc.constantFrom<readonly string[] | undefined>(
  undefined,
  undefined,
  undefined,
  ['.'],
  ['*'],
  ['edge'],
);
const names = (...of: string[]): fc.Arbitrary<string> => fc.constantFrom(...of);

function object(
  apiVersion: string,
  kind: string,
  at: { readonly namespace?: string; readonly name: string; readonly labels?: object; readonly annotations?: object },
  rest: object,
  creationTimestamp = '2026-01-01T00:00:00Z',
): AnyObject {
  return { apiVersion, kind, metadata: { ...at, creationTimestamp }, ...rest };
}

const httpServer = fc
  .record({
    number: fc.constantFrom(80, 80, 80, 8080, 81),
    hosts: fc.subarray(['*', 'a.example', '*.example', 'shop/b.example', './a.example'], {
      minLength: 1,
      maxLength: 3,
    }),
    redirect: fc.constantFrom(false, false, false, true),
  })
  .map(({ number, hosts, redirect }) => ({
    port: { number, name: `http-${number}`, protocol: 'HTTP' },
    hosts,
    ...(redirect && { tls: { httpsRedirect: true } }),
  }));

const httpsServer = fc
  .record({
    number: fc.constantFrom(443, 443, 8443, 80),
    hosts: fc.subarray(['*', 'a.example', '*.example'], { minLength: 1, maxLength: 2 }),
    credentialName: names('c1', 'c2'),
  })
  .map(({ number, hosts, credentialName }) => ({
    port: { number, name: `https-${number}`, protocol: 'HTTPS' },
    hosts,
    tls: { mode: 'SIMPLE', credentialName },
  }));

const gateways = fc
  .record({
    namespace: fc.constantFrom('edge', 'shop'),
    name: names('g1', 'g2'),
    istio: fc.constantFrom('ingressgateway', 'ingressgateway', 'ingressgateway', 'egress'),
    servers: fc.array(fc.oneof(httpServer, httpServer, httpsServer), { minLength: 1, maxLength: 2 }),
    age,
    isBroken: rarely(),
  })
  .map((one) =>
    object(
      ISTIO,
      'Gateway',
      at(one),
      { spec: { selector: { istio: one.istio }, servers: one.isBroken ? 'none' : one.servers } },
      one.age,
    ),
  );

const destination = fc
  .record({
    host: fc.constantFrom('a', 'a', 'b', 'a.shop.svc.cluster.local', 'a.shop', 'ext.example'),
    subset: fc.option(subset, { nil: undefined }),
    port: fc.constantFrom<number | undefined>(undefined, undefined, 80, 8080),
    weight: fc.constantFrom(0, 1, 50),
  })
  .map(({ host, subset: name, port, weight }) => ({
    destination: { host, ...(name && { subset: name }), ...(port && { port: { number: port } }) },
    weight,
  }));

const rule = fc
  .record({
    match: fc.constantFrom<object | undefined>(
      undefined,
      { uri: { prefix: '/x' } },
      { uri: { exact: '/y' } },
      { port: 80 },
    ),
    action: fc.oneof(
      fc.array(destination, { minLength: 1, maxLength: 2 }).map((route) => ({ route: atLeastOne(route) })),
      fc.constantFrom<object>({ redirect: { uri: '/z' } }, { directResponse: { status: 204 } }),
    ),
  })
  .map(({ match, action }) => ({ ...(match && { match: [match] }), ...action }));

/** Weights that sum to 0 are refused. */
function atLeastOne<T extends { readonly weight: number }>(route: readonly T[]): T[] {
  return route.map((one, index) =>
    index === 0 && route.every(({ weight }) => weight === 0) ? { ...one, weight: 1 } : one,
  );
}

const virtualServices = fc
  .record({
    namespace: fc.constantFrom('shop', 'shop', 'shop', 'edge', 'other'),
    name: names('x', 'y', 'z'),
    hosts: fc.subarray(['a.example', 'b.example', '*.example', '*'], { minLength: 1, maxLength: 2 }),
    gateways: fc.subarray(['edge/g1', 'shop/g1', 'edge/g2'], { minLength: 1, maxLength: 2 }),
    http: fc.array(rule, { minLength: 1, maxLength: 2 }),
    exportTo,
    age,
    isBroken: rarely(),
  })
  .map(({ hosts, gateways: through, http, exportTo: to, isBroken, ...one }) =>
    object(
      ISTIO,
      'VirtualService',
      at(one),
      { spec: { hosts, gateways: through, http: isBroken ? [{ route: [{}] }] : http, ...(to && { exportTo: to }) } },
      one.age,
    ),
  );

const destinationRules = fc
  .record({
    namespace: fc.constantFrom('shop', 'shop', 'shop', 'edge', 'istio-system'),
    name: names('p', 'q'),
    host: fc.constantFrom('a', 'a.shop.svc.cluster.local', 'a.shop.svc.cluster.local', '*.shop.svc.cluster.local', 'b'),
    subsets: fc.uniqueArray(fc.tuple(subset, subset), { selector: ([name]) => name, maxLength: 3 }),
    simple: fc.constantFrom('ROUND_ROBIN', 'RANDOM', undefined),
    selects: fc.constantFrom(undefined, undefined, undefined, { istio: 'ingressgateway' }, { app: 'client' }),
    exportTo,
    age,
    isBroken: rarely(),
  })
  .map(({ host, subsets, simple, selects, exportTo: to, isBroken, ...one }) =>
    object(
      ISTIO,
      'DestinationRule',
      at(one),
      {
        spec: {
          host: isBroken ? 7 : host,
          subsets: subsets.map(([name, version]) => ({ name, labels: { version } })),
          ...(selects && { workloadSelector: { matchLabels: selects } }),
          ...(simple && { trafficPolicy: { loadBalancer: { simple } } }),
          ...(to && { exportTo: to }),
        },
      },
      one.age,
    ),
  );

const serviceEntries = fc
  .record({
    namespace: fc.constantFrom('shop', 'edge'),
    name: names('e', 'f'),
    hosts: fc.subarray(['ext.example', '*.example', 'a.shop.svc.cluster.local'], { minLength: 1, maxLength: 2 }),
    how: fc.constantFrom<object>(
      { resolution: 'DNS' },
      { resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] },
      { resolution: 'STATIC', workloadSelector: { labels: { app: 'a' } } },
      { resolution: 'NONE' },
    ),
    number: fc.constantFrom(80, 8080),
    exportTo,
    age,
  })
  .map(({ hosts, how, number, exportTo: to, ...one }) =>
    object(
      ISTIO,
      'ServiceEntry',
      at(one),
      { spec: { hosts, ...how, ports: [{ number, name: 'http', protocol: 'HTTP' }], ...(to && { exportTo: to }) } },
      one.age,
    ),
  );

const workloadEntries = fc
  .record({ namespace: fc.constantFrom('shop', 'edge'), name: names('w'), version: subset })
  .map(({ version, ...one }) =>
    object(ISTIO, 'WorkloadEntry', at(one), { spec: { address: '192.0.2.9', labels: { app: 'a', version } } }),
  );

const services = fc
  .record({
    namespace: fc.constantFrom('shop', 'shop', 'shop', 'edge'),
    name: service,
    spec: fc.constantFrom<object>(
      { ports: [{ name: 'http', port: 80 }] },
      { ports: [{ name: 'web', port: 80 }] },
      { ports: [{ name: 'http', port: 8080 }] },
      {
        ports: [
          { name: 'http', port: 80 },
          { name: 'more', port: 8080 },
        ],
      },
      { ports: [{ name: 'http', port: 80 }], clusterIP: 'None' },
      { type: 'NodePort', clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] },
      { type: 'ExternalName', externalName: 'elsewhere.example' },
      { ports: [{ name: 'http', port: 80 }], publishNotReadyAddresses: true },
    ),
    exported: fc.constantFrom<string | undefined>(undefined, undefined, undefined, '.', 'edge'),
    isBroken: rarely(),
  })
  .map(({ spec, exported, isBroken, ...one }) =>
    object(
      'v1',
      'Service',
      { ...at(one), ...(exported && { annotations: { 'networking.istio.io/exportTo': exported } }) },
      { spec: { selector: { app: one.name }, ...spec, ...(isBroken && { ports: [{}] }) } },
    ),
  );

const podName = fc.tuple(service, subset).map(([app, version]) => `${app}-${version}`);

const endpoint = fc
  .record({
    pod: podName,
    conditions: fc.constantFrom<object | undefined>(
      undefined,
      { ready: true },
      { ready: true },
      { ready: false },
      { ready: false, serving: true, terminating: true },
    ),
  })
  .map(({ pod, conditions }) => ({
    addresses: [addressOf(pod)],
    ...(conditions && { conditions }),
    targetRef: { kind: 'Pod', namespace: 'shop', name: pod },
  }));

const endpointSlices = fc
  .record({
    name: names('s1', 's2', 's3'),
    of: service,
    port: fc.constantFrom('http', 'http', 'http', 'web'),
    family: fc.constantFrom<'IPv4' | 'IPv6'>('IPv4', 'IPv4', 'IPv4', 'IPv6'),
    endpoints: fc.array(endpoint, { maxLength: 3 }),
  })
  .map(({ name, of, port, family, endpoints }) =>
    object(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': of } },
      {
        addressType: family,
        ports: [{ name: port, port: 8080, protocol: 'TCP' }],
        endpoints: endpoints.map((one) => ({ ...one, addresses: one.addresses.map((text) => inFamily(text, family)) })),
      },
    ),
  );

const endpoints = fc.record({ name: service, pods: fc.array(podName, { maxLength: 2 }) }).map(({ name, pods }) =>
  object(
    'v1',
    'Endpoints',
    { namespace: 'shop', name },
    {
      subsets: [
        {
          addresses: pods.map((pod) => ({ ip: addressOf(pod), targetRef: { kind: 'Pod', name: pod } })),
          ports: [{ name: 'http', port: 8080 }],
        },
      ],
    },
  ),
);

const pods = fc
  .record({ pod: podName, version: fc.option(subset, { nil: undefined }), isReady: fc.constantFrom(true, true, false) })
  .map(({ pod, version, isReady }) =>
    object(
      'v1',
      'Pod',
      { namespace: 'shop', name: pod, labels: { app: pod.charAt(0), version: version ?? pod.slice(2) } },
      {
        spec: { containers: [{ name: 'app', image: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] },
        status: {
          phase: 'Running',
          podIP: addressOf(pod),
          conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
        },
      },
    ),
  );

const secrets = fc
  .record({ namespace: fc.constantFrom('edge', 'shop'), name: names('c1', 'c2'), which: fc.constantFrom(0, 1, 2) })
  .map(({ which, ...one }) =>
    object('v1', 'Secret', at(one), {
      type: 'kubernetes.io/tls',
      data: certificates[which] ?? { 'tls.crt': 'bm9uZQ==' },
    }),
  );

const nodes = fc.record({ name: names('n1', 'n2'), isReady: fc.boolean() }).map(({ name, isReady }) =>
  object(
    'v1',
    'Node',
    { name },
    {
      status: {
        addresses: [{ type: 'InternalIP', address: name === 'n1' ? '198.51.100.1' : '198.51.100.2' }],
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
      },
    },
  ),
);

const guards = fc
  .record({
    namespace,
    name: names('guard'),
    kind: fc.constantFrom<[string, string, object]>(
      [
        'security.istio.io/v1',
        'AuthorizationPolicy',
        { action: 'DENY', rules: [{ to: [{ operation: { hosts: ['a.example'] } }] }] },
      ],
      ['security.istio.io/v1', 'AuthorizationPolicy', {}],
      ['security.istio.io/v1', 'AuthorizationPolicy', { selector: { matchLabels: { app: 'other' } } }],
      ['security.istio.io/v1', 'AuthorizationPolicy', { ruels: [] }],
      ['security.istio.io/v1', 'RequestAuthentication', { jwtRules: [{ issuer: 'i', jwksUri: 'https://i.example' }] }],
      ['security.istio.io/v1', 'PeerAuthentication', { mtls: { mode: 'STRICT' } }],
      ['security.istio.io/v1', 'PeerAuthentication', { mtls: { mode: 'PERMISSIVE' } }],
      ['networking.istio.io/v1alpha3', 'EnvoyFilter', { configPatches: [] }],
      ['telemetry.istio.io/v1', 'Telemetry', { accessLogging: [{ disabled: true }] }],
      ['extensions.istio.io/v1alpha1', 'WasmPlugin', { url: 'oci://x' }],
    ),
  })
  .map(({ kind: [apiVersion, kind, spec], ...one }) => object(apiVersion, kind, at(one), { spec }));

const others = fc.constantFrom<AnyObject>(
  object('v1', 'Namespace', { name: 'shop' }, {}),
  object('networking.k8s.io/v1', 'Ingress', { namespace: 'shop', name: 'i' }, { spec: { rules: [] } }),
  object(
    'gateway.networking.k8s.io/v1',
    'HTTPRoute',
    { namespace: 'shop', name: 'r' },
    { spec: { parentRefs: [{ name: 'k' }] } },
  ),
  object(
    'gateway.networking.k8s.io/v1',
    'Gateway',
    { namespace: 'shop', name: 'k' },
    { spec: { gatewayClassName: 'istio' } },
  ),
);

/** Any object; what changes often in a cluster, and what leads traffic, comes more often. */
export const anyObject: fc.Arbitrary<AnyObject> = fc.oneof(
  { arbitrary: virtualServices, weight: 6 },
  { arbitrary: destinationRules, weight: 5 },
  { arbitrary: services, weight: 4 },
  { arbitrary: endpointSlices, weight: 4 },
  { arbitrary: gateways, weight: 3 },
  { arbitrary: pods, weight: 3 },
  { arbitrary: serviceEntries, weight: 2 },
  { arbitrary: secrets, weight: 2 },
  { arbitrary: guards, weight: 1 },
  { arbitrary: endpoints, weight: 1 },
  { arbitrary: workloadEntries, weight: 1 },
  { arbitrary: nodes, weight: 1 },
  { arbitrary: others, weight: 1 },
);

/** A service with two versions that is served, to begin with. */
export const BASE: readonly AnyObject[] = [
  object(
    ISTIO,
    'Gateway',
    { namespace: 'edge', name: 'g1' },
    {
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http-80', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    },
  ),
  object(
    'v1',
    'Service',
    { namespace: 'shop', name: 'a' },
    {
      spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80 }] },
    },
  ),
  object(
    ISTIO,
    'DestinationRule',
    { namespace: 'shop', name: 'p' },
    {
      spec: { host: 'a', subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })) },
    },
  ),
  object(
    ISTIO,
    'VirtualService',
    { namespace: 'shop', name: 'x' },
    {
      spec: {
        hosts: ['a.example'],
        gateways: ['edge/g1'],
        http: [{ route: ['v1', 'v2'].map((name) => ({ destination: { host: 'a', subset: name }, weight: 50 })) }],
      },
    },
  ),
  ...['a-v1', 'a-v2', 'a-v3'].map((pod) =>
    object(
      'v1',
      'Pod',
      { namespace: 'shop', name: pod, labels: { app: 'a', version: pod.slice(2) } },
      { status: { phase: 'Running', podIP: addressOf(pod), conditions: [{ type: 'Ready', status: 'True' }] } },
    ),
  ),
  object(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { namespace: 'shop', name: 's1', labels: { 'kubernetes.io/service-name': 'a' } },
    {
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: ['a-v1', 'a-v2'].map((pod) => ({
        addresses: [addressOf(pod)],
        targetRef: { kind: 'Pod', namespace: 'shop', name: pod },
      })),
    },
  ),
];

function addressOf(pod: string): string {
  return `10.0.${pod.charCodeAt(0)}.${pod.slice(-1)}`;
}

function at({ namespace: of, name }: { readonly namespace: string; readonly name: string }) {
  return { namespace: of, name };
}

function inFamily(address: string, family: 'IPv4' | 'IPv6'): string {
  return family === 'IPv4' ? address : `fd00::${address.replaceAll('.', ':')}`;
}

function rarely(): fc.Arbitrary<boolean> {
  return fc.integer({ min: 0, max: 9 }).map((number) => number === 9);
}

async function twoCertificates(): Promise<readonly object[]> {
  const ca = await makeCa();
  return Promise.all(
    ['a.example', 'b.example'].map(async (name) => {
      const { certificatePem, privateKeyPem } = await ca.issue({ names: [name] });
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      return { 'tls.crt': base64(certificatePem), 'tls.key': base64(privateKeyPem) };
    }),
  );
}
