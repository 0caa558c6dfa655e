/** Two specs that differ in one field: honouring it means that they are read differently. */
export type Pair = readonly [unknown, unknown];

/** Puts a value into a spec that is otherwise complete. */
type Frame = (value: object) => unknown;

const both = (frame: Frame, field: string, a: unknown, b: unknown): Pair => [
  frame({ [field]: a }),
  frame({ [field]: b }),
];

const plainServer = { port: { number: 80, name: 'a', protocol: 'HTTP' }, hosts: ['*'] };
const gateway: Frame = (value) => ({ servers: [plainServer], ...value });
const server: Frame = (value) => gateway({ servers: [{ ...plainServer, ...value }] });
const serverPort: Frame = (value) => server({ port: { number: 80, name: 'a', protocol: 'HTTP', ...value } });
const tls: Frame = (value) =>
  server({
    port: { number: 443, name: 'a', protocol: 'HTTPS' },
    tls: { mode: 'SIMPLE', credentialName: 'x', ...value },
  });
const files: Frame = (value) =>
  server({
    port: { number: 443, name: 'a', protocol: 'HTTPS' },
    tls: { mode: 'SIMPLE', serverCertificate: '/c', privateKey: '/k', ...value },
  });
const noCertificate: Frame = (value) =>
  server({ port: { number: 443, name: 'a', protocol: 'HTTPS' }, tls: { mode: 'SIMPLE', ...value } });

const destination = { host: 'a' };
const virtualService: Frame = (value) => ({ hosts: ['a.example'], http: [{ route: [{ destination }] }], ...value });
const rule: Frame = (value) => virtualService({ http: [{ route: [{ destination }], ...value }] });
const match: Frame = (value) => rule({ match: [{ uri: { prefix: '/A' }, ...value }] });
const action: Frame = (value) => virtualService({ http: [value] });
const redirect: Frame = (value) => action({ redirect: { scheme: 'https', ...value } });
const direct: Frame = (value) => action({ directResponse: { status: 200, ...value } });
const route: Frame = (value) => rule({ route: [{ destination, ...value }] });
const target: Frame = (value) => route({ destination: { ...destination, ...value } });

const destinationRule: Frame = (value) => ({ host: 'a', ...value });
const policy: Frame = (value) => destinationRule({ trafficPolicy: value });
const subset: Frame = (value) => destinationRule({ subsets: [{ name: 'a', ...value }] });
const subsetPolicy: Frame = (value) => subset({ trafficPolicy: value });

const serviceEntry: Frame = (value) => ({
  hosts: ['a.example'],
  ports: [{ number: 80, name: 'a' }],
  resolution: 'STATIC',
  endpoints: [{ address: '10.0.0.1' }],
  ...value,
});
const entryPort: Frame = (value) => serviceEntry({ ports: [{ number: 80, name: 'a', protocol: 'HTTP', ...value }] });
const endpoint: Frame = (value) => serviceEntry({ endpoints: [{ address: '10.0.0.1', ...value }] });
const selecting: Frame = (value) => serviceEntry({ endpoints: [], ...value });

function stringMatches(path: string, frame: (condition: object) => unknown): [string, Pair][] {
  return [
    [`${path}.exact`, [frame({ exact: '/a' }), frame({ exact: '/b' })]],
    [`${path}.prefix`, [frame({ prefix: '/a' }), frame({ prefix: '/b' })]],
    [`${path}.regex`, [frame({ regex: '/a' }), frame({ regex: '/b' })]],
  ];
}

function attribute(name: string): [string, Pair][] {
  return stringMatches(`http[].match[].${name}`, (condition) => match({ [name]: condition }));
}

function named(name: string): [string, Pair][] {
  return stringMatches(`http[].match[].${name}{}`, (condition) => match({ [name]: { x: condition } }));
}

/** Of localityLbSetting. */
function localities(path: string, frame: Frame): [string, Pair][] {
  const setting: Frame = (value) => frame({ outlierDetection: {}, loadBalancer: { localityLbSetting: value } });
  const distribute = (from: string, to: object) => setting({ distribute: [{ from, to }] });
  const failover = (from: string, to: string) => setting({ failover: [{ from, to }] });
  const inside = `${path}.loadBalancer.localityLbSetting`;
  return [
    [`${inside}.enabled`, both(setting, 'enabled', true, false)],
    [`${inside}.distribute[].from`, [distribute('a', { '*': 100 }), distribute('b', { '*': 100 })]],
    [`${inside}.distribute[].to`, [distribute('a', { 'a/1': 100 }), distribute('a', { 'a/1': 1, 'a/2': 99 })]],
    [`${inside}.failover[].from`, [failover('a', 'c'), failover('b', 'c')]],
    [`${inside}.failover[].to`, [failover('a', 'b'), failover('a', 'c')]],
    [`${inside}.failoverPriority`, both(setting, 'failoverPriority', ['zone'], ['zone=a'])],
  ];
}

function policies(path: string, frame: Frame): [string, Pair][] {
  return [
    ...localities(path, frame),
    [
      `${path}.loadBalancer.simple`,
      [frame({ loadBalancer: { simple: 'RANDOM' } }), frame({ loadBalancer: { simple: 'ROUND_ROBIN' } })],
    ],
    [
      `${path}.connectionPool.tcp.connectTimeout`,
      [
        frame({ connectionPool: { tcp: { connectTimeout: '1s' } } }),
        frame({ connectionPool: { tcp: { connectTimeout: '2s' } } }),
      ],
    ],
  ];
}

/** Every field that is read into the Resource, by kind and path. */
export const honoured: Readonly<Record<string, ReadonlyMap<string, Pair>>> = {
  Gateway: new Map<string, Pair>([
    ['selector', both(gateway, 'selector', { a: 'a' }, { a: 'b' })],
    ['servers[].hosts', both(server, 'hosts', ['a.example'], ['b.example'])],
    ['servers[].name', both(server, 'name', 'a', 'b')],
    ['servers[].port.name', both(serverPort, 'name', 'a', 'b')],
    ['servers[].port.number', both(serverPort, 'number', 80, 81)],
    ['servers[].port.protocol', [tls({}), serverPort({ protocol: 'HTTP' })]],
    [
      'servers[].tls.cipherSuites',
      both(tls, 'cipherSuites', ['ECDHE-RSA-AES128-GCM-SHA256'], ['ECDHE-RSA-AES256-GCM-SHA384']),
    ],
    ['servers[].tls.credentialName', both(tls, 'credentialName', 'a', 'b')],
    ['servers[].tls.credentialNames', both(noCertificate, 'credentialNames', ['a'], ['b'])],
    [
      'servers[].tls.httpsRedirect',
      [server({ tls: { httpsRedirect: true } }), server({ tls: { httpsRedirect: false } })],
    ],
    ['servers[].tls.maxProtocolVersion', both(tls, 'maxProtocolVersion', 'TLSV1_2', 'TLSV1_3')],
    ['servers[].tls.minProtocolVersion', both(tls, 'minProtocolVersion', 'TLSV1_2', 'TLSV1_3')],
    ['servers[].tls.mode', both(tls, 'mode', 'SIMPLE', 'PASSTHROUGH')],
    ['servers[].tls.privateKey', both(files, 'privateKey', '/a', '/b')],
    ['servers[].tls.serverCertificate', both(files, 'serverCertificate', '/a', '/b')],
    [
      'servers[].tls.tlsCertificates[].privateKey',
      both(
        noCertificate,
        'tlsCertificates',
        [{ serverCertificate: '/c', privateKey: '/a' }],
        [{ serverCertificate: '/c', privateKey: '/b' }],
      ),
    ],
    [
      'servers[].tls.tlsCertificates[].serverCertificate',
      both(
        noCertificate,
        'tlsCertificates',
        [{ serverCertificate: '/a', privateKey: '/k' }],
        [{ serverCertificate: '/b', privateKey: '/k' }],
      ),
    ],
  ]),
  VirtualService: new Map<string, Pair>([
    ['hosts', both(virtualService, 'hosts', ['a.example'], ['b.example'])],
    ['gateways', both(virtualService, 'gateways', ['a'], ['b'])],
    ['exportTo', both(virtualService, 'exportTo', ['*'], ['.'])],
    ['http[].name', both(rule, 'name', 'a', 'b')],
    ['http[].timeout', both(rule, 'timeout', '1s', '2s')],
    ...['uri', 'scheme', 'method', 'authority'].flatMap(attribute),
    ...['headers', 'withoutHeaders', 'queryParams'].flatMap(named),
    ['http[].match[].ignoreUriCase', both(match, 'ignoreUriCase', true, false)],
    ['http[].match[].port', both(match, 'port', 80, 81)],
    ['http[].match[].gateways', both(match, 'gateways', ['a'], ['b'])],
    ['http[].redirect.uri', both(redirect, 'uri', '/a', '/b')],
    ['http[].redirect.prefixRewrite', both(redirect, 'prefixRewrite', '/a', '/b')],
    ['http[].redirect.authority', both(redirect, 'authority', 'a', 'b')],
    ['http[].redirect.port', both(redirect, 'port', 80, 81)],
    ['http[].redirect.derivePort', both(redirect, 'derivePort', 'FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT')],
    ['http[].redirect.scheme', both(redirect, 'scheme', 'http', 'https')],
    ['http[].redirect.redirectCode', both(redirect, 'redirectCode', 302, 307)],
    ['http[].directResponse.status', both(direct, 'status', 200, 201)],
    ['http[].directResponse.body.string', both(direct, 'body', { string: 'a' }, { string: 'b' })],
    ['http[].directResponse.body.bytes', both(direct, 'body', { bytes: 'YQ==' }, { bytes: 'Yg==' })],
    ['http[].route[].weight', both(route, 'weight', 1, 2)],
    ['http[].route[].destination.host', both(target, 'host', 'a', 'b')],
    ['http[].route[].destination.subset', both(target, 'subset', 'a', 'b')],
    ['http[].route[].destination.port.number', both(target, 'port', { number: 80 }, { number: 81 })],
  ]),
  DestinationRule: new Map<string, Pair>([
    ['host', both(destinationRule, 'host', 'a', 'b')],
    ['exportTo', both(destinationRule, 'exportTo', ['*'], ['.'])],
    [
      'workloadSelector.matchLabels',
      both(destinationRule, 'workloadSelector', { matchLabels: { a: 'a' } }, { matchLabels: { a: 'b' } }),
    ],
    ['subsets[].name', both(subset, 'name', 'a', 'b')],
    ['subsets[].labels', both(subset, 'labels', { a: 'a' }, { a: 'b' })],
    ...policies('trafficPolicy', policy),
    ...policies('subsets[].trafficPolicy', subsetPolicy),
  ]),
  ServiceEntry: new Map<string, Pair>([
    ['hosts', both(serviceEntry, 'hosts', ['a.example'], ['b.example'])],
    ['exportTo', both(serviceEntry, 'exportTo', ['*'], ['.'])],
    ['location', both(serviceEntry, 'location', 'MESH_INTERNAL', 'MESH_EXTERNAL')],
    ['resolution', both(serviceEntry, 'resolution', 'STATIC', 'DNS')],
    ['workloadSelector.labels', both(selecting, 'workloadSelector', { labels: { a: 'a' } }, { labels: { a: 'b' } })],
    ['ports[].name', both(entryPort, 'name', 'a', 'b')],
    ['ports[].number', both(entryPort, 'number', 80, 81)],
    ['ports[].protocol', both(entryPort, 'protocol', 'HTTP', 'TCP')],
    ['ports[].targetPort', both(entryPort, 'targetPort', 80, 81)],
    ['endpoints[].address', both(endpoint, 'address', '10.0.0.1', '10.0.0.2')],
    ['endpoints[].locality', both(endpoint, 'locality', 'a/1', 'a/2')],
    ['endpoints[].labels', both(endpoint, 'labels', { a: 'a' }, { a: 'b' })],
    ['endpoints[].ports', both(endpoint, 'ports', { a: 80 }, { a: 81 })],
    ['endpoints[].weight', both(endpoint, 'weight', 1, 2)],
  ]),
};

/** Names that Istio keeps for people alone: read, checked, and of no effect there either. */
export const withoutEffect: ReadonlySet<string> = new Set(['VirtualService http[].match[].name']);
