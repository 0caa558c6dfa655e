/** One object whose verdict by Istio's own validation is known (`verdicts.json`, by id). */
export type Case = { readonly id: string; readonly value: Readonly<Record<string, unknown>> };

type Frame = (value: object) => unknown;
type Values = readonly object[];

const API = 'networking.istio.io/v1';

/** `put('VirtualService', 'http[].retries', frame, [...])`: each value in the same place of an otherwise good spec. */
function put(kind: string, place: string, frame: Frame, values: Values): Case[] {
  return values.map((value) => {
    const text = JSON.stringify(value, (_key, inner: unknown) => (inner === undefined ? 'absent' : inner));
    return { id: `${kind} ${place} ${shorten(text)}`, value: object(kind, frame(value)) };
  });
}

function object(kind: string, spec: unknown, metadata: object = {}): Case['value'] {
  const value = { apiVersion: API, kind, metadata: { name: 'x', namespace: 'default', ...metadata }, spec };
  // As it is read from a file: an absent field is not there.
  return JSON.parse(JSON.stringify(value)) as Case['value'];
}

/** Long runs of one letter are told by their length. */
function shorten(text: string): string {
  const runs = text.replaceAll(/([a-z1])\1{20,}/g, (run, letter: string) => `${letter}*${run.length}`);
  return runs.length <= 200 ? runs : `${runs.slice(0, 120)}... (${runs.length})`;
}

/** `each('timeout', '1s', '2s')`: one object for each value of a field. */
function each(field: string, ...values: readonly unknown[]): object[] {
  return values.map((value) => ({ [field]: value }));
}

const DURATIONS = ['1s', '0s', '1.5s', '1m30s', '1h', '500ms', '1ms', '999us', '1.5ms', '0.0015s', '-1s', '', 'soon'];
const MORE_DURATIONS = [...DURATIONS, '1d', '+5s', '5', 5, null, '1s 2s', '100000h'];
const PORTS = [{ number: 80 }, { number: 0 }, { number: 65_536 }, { number: -1 }, { number: '80' }, {}, { name: 'a' }];
const STRINGS = [
  { exact: 'a' },
  { exact: '' },
  { prefix: 'a' },
  { prefix: '' },
  { regex: 'a+' },
  { regex: '' },
  { regex: '*' },
  { regex: '(' },
  { regex: '(?=a)' },
  { regex: '(a)\\1' },
  { regex: 'a'.repeat(1024) },
  { regex: 'a'.repeat(1025) },
  { exact: 'a', prefix: 'b' },
  { exact: 1 },
  {},
];
const NAMES = [
  'a',
  'a.example',
  'A.Example',
  '*',
  '*.example',
  '*a.example',
  'a*.example',
  'a.*.example',
  '*.*.example',
  '*.',
  'a_b.example',
  'a.b_c.example',
  'a..example',
  '.example',
  'a.example.',
  '-a.example',
  'a-.example',
  'a.example:80',
  'http://a.example',
  'a.example/b',
  'a b.example',
  '10.0.0.1',
  '1.2.3',
  '123',
  'a.123',
  '::1',
  '[::1]',
  '2001:db8::1',
  'fe80::1%eth0',
  `${'a'.repeat(63)}.example`,
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(130)}example`,
  '',
  1,
  null,
];
const LABELS = [
  { a: 'b' },
  { 'example.com/a': 'b' },
  { a: '' },
  { a: 'b c' },
  { 'a b': 'c' },
  { '': 'a' },
  { a: '*' },
  { '*': 'a' },
  { a: 'b'.repeat(64) },
  { a: 1 },
  { '/a': 'b' },
  { 'A_B.c': 'D.e_f' },
  {},
];
const PERCENTS = [0, 0.0001, 0.00001, 0.1, 50, 100, 100.1, 101, -1, '50'];
const COUNTS = [0, 1, -1, 2_147_483_647, 2_147_483_648, 4_294_967_296, 1.5, '1'];
const EXPORTS = [
  [],
  ['*'],
  ['.'],
  ['~'],
  ['other'],
  ['a', 'b'],
  ['*', 'other'],
  ['*', '*'],
  ['.', '*'],
  ['.', 'default'],
  ['other', 'other'],
  ['~', 'other'],
  ['~', '*'],
  ['a_b'],
  ['a.b'],
  ['A'],
  [''],
];

const destination = { host: 'a' };
const route = [{ destination }];
const virtualService: Frame = (value) => ({ hosts: ['a.example'], gateways: ['gw'], http: [{ route }], ...value });
const rule: Frame = (value) => virtualService({ http: [{ route, ...value }] });
const action: Frame = (value) => virtualService({ http: [value] });
const match: Frame = (value) => rule({ match: [value] });
const weighted: Frame = (value) => rule({ route: [{ destination, ...value }] });
const target: Frame = (value) => rule({ route: [{ destination: { ...destination, ...value } }] });
const tlsRule: Frame = (value) =>
  virtualService({ http: undefined, tls: [{ match: [{ sniHosts: ['a.example'] }], route, ...value }] });
const tlsMatch: Frame = (value) => tlsRule({ match: [{ sniHosts: ['a.example'], ...value }] });
const tcpRule: Frame = (value) => virtualService({ http: undefined, tcp: [{ route, ...value }] });
const wrap =
  (frame: Frame, field: string): Frame =>
  (value) =>
    frame({ [field]: value });

const HEADERS = [
  { set: { 'x-a': 'b' } },
  { add: { 'x-a': 'b' } },
  { remove: ['x-a'] },
  { set: { host: 'a' } },
  { set: { ':authority': 'a' } },
  { set: { ':path': 'a' } },
  { add: { Host: 'a' } },
  { add: { ':method': 'a' } },
  { set: { host: 'a', ':authority': 'b' } },
  { remove: ['host'] },
  { remove: [':path'] },
  { remove: [''] },
  { remove: 'x-a' },
  { set: { '': 'a' } },
  { set: { 'x-a': 'a\nb' } },
  { set: { 'x-a': 'a\tb' } },
  { set: { 'x-a': '100%' } },
  { set: { 'x-a': '100%%' } },
  { set: { 'x-a': '%DOWNSTREAM_REMOTE_ADDRESS%' } },
  { set: { 'x-a': '%START_TIME%%' } },
  { set: { 'x-a': 'a%b%c%' } },
  { set: { 'x-a': '%REQ(x-b)%' } },
  { set: { 'x-a': '%REQ(x-b%' } },
  { set: { 'x-a': '%UPSTREAM_METADATA(["a","b"])%' } },
  { set: { 'x-a': '%UPSTREAM_METADATA(["a" "b"])%' } },
  { set: { 'x-a': '' } },
  { set: { 'x-a': 1 } },
  { set: ['x-a'] },
  {},
];

const virtualServices: readonly Case[] = [
  ...put('VirtualService', '', virtualService, [
    ...NAMES.map((name) => ({ hosts: [name] })),
    ...each('hosts', [], 'a.example', ['a.example', 'a.example'], ['a.example', 'A.example']),
    ...each('hosts', ['*.example', 'a.example'], ['a.example', '*.example'], ['*', 'a.example'], ['*.a.b', '*.b']),
    ...each('hosts', ['a', 'a.default.svc.cluster.local'], ['10.0.0.1', '10.0.0.1']),
    { gateways: undefined, hosts: ['*'] },
    { gateways: ['mesh'], hosts: ['*'] },
    { gateways: ['mesh', 'gw'], hosts: ['*'] },
    ...each('gateways', [], ['gw'], ['other/gw'], ['./gw'], ['mesh'], ['gw', 'gw'], ['gw.other'], [''], ['GW']),
    ...each('gateways', ['gw.other.svc.cluster.local'], ['other/'], ['/gw'], ['a/b/c'], ['other/g.w'], ['a_b'], 'gw'),
    ...each('gateways', ['-gw'], ['other/-gw'], ['gw', 'other/gw', 'a.b'], ['*/gw'], ['gw.']),
    ...each('exportTo', ...EXPORTS),
    ...each('http', undefined, [], [null], {}, [{}], [{ match: [{ uri: { prefix: '/' } }] }]),
    { hosts: undefined, gateways: undefined },
    { hosts: undefined },
    { hosts: undefined, gateways: undefined, http: undefined, tcp: [{ route }] },
    { hosts: undefined, gateways: undefined, http: [{ delegate: { name: 'a' } }] },
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[]', rule, [
    ...each('timeout', ...MORE_DURATIONS),
    ...each('name', 'a', '', 'a b', 1),
    ...each('match', [], [{}], [null], {}, [{ name: 'a' }]),
    { match: [{ uri: { prefix: '/' } }, null] },
    ...each('route', undefined, [], [null], [{}], [{ weight: 1 }], {}),
    { route: [{ destination }, { destination }] },
    {
      route: [
        { destination, weight: 0 },
        { destination, weight: 0 },
      ],
    },
    { route: [{ destination, weight: 1 }, { destination }] },
    {
      route: [
        { destination, weight: 60 },
        { destination, weight: 60 },
      ],
    },
    { route: [{ destination, weight: 0 }] },
    { redirect: { uri: '/' } },
    { directResponse: { status: 200 } },
    { delegate: { name: 'a' } },
    { delegate: { name: 'a' }, route: undefined, redirect: { uri: '/' } },
    { rewrite: { uri: '/' }, fault: { abort: { httpStatus: 500, percentage: { value: 1 } } } },
    ...each('delegate', {}, { name: 'A b' }).map((value) => ({ route: undefined, ...value })),
    { delegate: { name: 'a', namespace: 'b' }, route: undefined },
    { delegate: { namespace: 'b' }, route: undefined },
    { delegate: { name: 'a' }, route: undefined, rewrite: { uri: '/' } },
    { delegate: { name: 'a' }, route: undefined, timeout: '1s' },
    { delegate: { name: 'a' }, route: undefined, directResponse: { status: 200 } },
    { mirror: { host: 'a' } },
    { mirror: { host: 'a' }, mirrors: [] },
    { mirror: { host: 'a' }, mirrors: [{ destination }] },
    { mirror: { host: 'a', subset: 'A_b' } },
    { mirror: { host: '*' } },
    { mirror: {} },
    ...each('mirror', ...PORTS.map((port) => ({ host: 'a', port }))),
    ...each('mirrors', [{}], [null], [{ destination: {} }], [{ destination, percentage: { value: 101 } }], {}),
    ...each('mirrors', [{ destination, percentage: { value: -1 } }], [{ destination, percentage: {} }]),
    { mirrors: [{ destination: { host: '*' } }] },
    { mirrors: [{ destination }, { destination: { host: 'b' } }] },
    ...PERCENTS.map((value) => ({ mirror: destination, mirrorPercentage: { value } })),
    { mirrorPercentage: {} },
    ...[0, 50, 100, 101, -1, 0.5].map((mirrorPercent) => ({ mirror: destination, mirrorPercent })),
    { mirror: destination, mirror_percent: 50 },
    { typo: 1 },
  ]),
  ...['uri', 'scheme', 'method', 'authority'].flatMap((name) =>
    put('VirtualService', `http[].match[].${name}`, wrap(match, name), STRINGS),
  ),
  ...['headers', 'withoutHeaders', 'queryParams'].flatMap((name) =>
    put('VirtualService', `http[].match[].${name}.x`, wrap(wrap(match, name), 'x'), STRINGS),
  ),
  ...['headers', 'withoutHeaders'].flatMap((name) =>
    put('VirtualService', `http[].match[].${name}`, wrap(match, name), [
      ...each('x-a', null),
      ...['X-A', '', ':path', ':authority', ':method', ':scheme', ':status', ':other', 'a b', 'a_b', 'a.b', 'a(b'].map(
        (header) => ({ [header]: { exact: 'a' } }),
      ),
      ...['uri', 'method', 'host', '@request.auth.claims.sub', '@request.auth.claims[a]', '@request.auth.other'].map(
        (header) => ({ [header]: { exact: 'a' } }),
      ),
    ]),
  ),
  ...put('VirtualService', 'http[].match[]', match, [
    ...each('port', 80, 0, 65_536, -1, '80'),
    ...each('sourceLabels', ...LABELS),
    ...each('sourceNamespace', 'a', 'a_b', 'a.b', '', '*'),
    ...each('gateways', [], ['gw'], ['other/gw'], ['gw.other'], ['a_b'], ['/gw'], ['mesh']),
    ...each('queryParams', { '': { exact: 'a' } }, { 'a b': { exact: 'a' } }, { a: null }),
    ...each('ignoreUriCase', true, 'true', 1),
    ...each('statPrefix', 'a', '', 'a b'),
    ...each('name', 'a', ''),
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[].route[]', weighted, [
    ...each('weight', ...COUNTS),
    ...each('headers', ...HEADERS.map((request) => ({ request }))),
    ...each('headers', ...HEADERS.map((response) => ({ response }))),
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[].route[].destination', target, [
    ...NAMES.map((host) => ({ host })),
    { host: undefined },
    ...each('subset', 'v1', 'V1', 'v1.0', 'v_1', '', '-a', 'a'.repeat(63), 'a'.repeat(64)),
    ...each('port', ...PORTS),
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[].headers.request', wrap(wrap(rule, 'headers'), 'request'), HEADERS),
  ...put('VirtualService', 'http[].headers.response', wrap(wrap(rule, 'headers'), 'response'), HEADERS),
  ...put('VirtualService', 'http[].headers', wrap(rule, 'headers'), [{}, { typo: {} }, { request: { typo: 1 } }]),
  ...put('VirtualService', 'http[].retries', wrap(rule, 'retries'), [
    ...each('attempts', 0, 1, 3, -1, 2_147_483_648, '1', 1.5, undefined),
    ...MORE_DURATIONS.map((perTryTimeout) => ({ attempts: 1, perTryTimeout })),
    ...DURATIONS.map((backoff) => ({ attempts: 1, backoff })),
    ...['5xx', '503', '5xx,503', '5xx, 503', 'gateway-error,connect-failure,refused-stream', 'other', '999', ''].map(
      (retryOn) => ({ attempts: 1, retryOn }),
    ),
    ...['reset', 'reset-before-request', 'retriable-4xx', 'unavailable,cancelled', '5XX', '5xx,', 'http3'].map(
      (retryOn) => ({ attempts: 1, retryOn }),
    ),
    ...['deadline-exceeded', 'internal', 'resource-exhausted', 'retriable-headers', 'envoy-ratelimited', '418'].map(
      (retryOn) => ({ attempts: 1, retryOn }),
    ),
    { attempts: 0, retryOn: '5xx' },
    { attempts: 0, perTryTimeout: '1s' },
    { attempts: 0, retryRemoteLocalities: true },
    { attempts: 0, retryIgnorePreviousHosts: true },
    { attempts: 0, backoff: '1s' },
    { retryOn: '5xx' },
    { perTryTimeout: '1s' },
    { attempts: 1, retryRemoteLocalities: 'true' },
    {},
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[].rewrite', wrap(rule, 'rewrite'), [
    {},
    { uri: '/' },
    { uri: '' },
    { uri: 1 },
    { authority: 'a.example' },
    { authority: '' },
    { uri: '/', authority: 'a' },
    { uriRegexRewrite: { match: 'a', rewrite: 'b' } },
    { uriRegexRewrite: { match: 'a' } },
    { uriRegexRewrite: { rewrite: 'a' } },
    { uriRegexRewrite: {} },
    { uriRegexRewrite: { match: '(', rewrite: 'b' } },
    { uriRegexRewrite: { match: '(?=a)', rewrite: 'b' } },
    { uriRegexRewrite: { match: 'a'.repeat(1025), rewrite: 'b' } },
    { uriRegexRewrite: { match: '(a)', rewrite: '\\1' } },
    { uriRegexRewrite: { match: 'a', rewrite: '\\2' } },
    { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } },
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[] authority twice', rule, [
    { rewrite: { authority: 'a' }, headers: { request: { set: { host: 'b' } } } },
    { rewrite: { authority: 'a' }, headers: { request: { set: { ':authority': 'b' } } } },
    { rewrite: { authority: 'a' }, headers: { request: { add: { Host: 'b' } } } },
    { rewrite: { uri: '/a' }, headers: { request: { set: { host: 'b' } } } },
    { headers: { request: { set: { host: 'a' }, add: { ':authority': 'b' } } } },
  ]),
  ...put('VirtualService', 'http[] only', action, [
    { redirect: { uri: '/' }, rewrite: { uri: '/' } },
    { redirect: { uri: '/' }, fault: { abort: { httpStatus: 500 } } },
    { redirect: { uri: '/' }, directResponse: { status: 200 } },
    { redirect: { uri: '/' }, timeout: '1s' },
    { redirect: { uri: '/' }, retries: { attempts: 1 } },
    { redirect: { uri: '/' }, mirror: destination },
    { redirect: { uri: '/' }, route: [] },
    { redirect: { uri: '/' }, corsPolicy: { allowMethods: ['GET'] } },
    { redirect: { uri: '/' }, headers: { response: { set: { a: 'b' } } } },
    { directResponse: { status: 200 }, rewrite: { uri: '/' } },
    { directResponse: { status: 200 }, fault: { abort: { httpStatus: 500 } } },
    { directResponse: { status: 200 }, mirror: destination },
    { directResponse: { status: 200 }, timeout: '1s' },
    { redirect: { uri: '/' }, mirror: destination, mirrors: [{ destination }] },
    { redirect: { prefixRewrite: '/a' }, match: [{ uri: { prefix: '/' } }] },
    { redirect: { prefixRewrite: '/a' }, match: [{ uri: { exact: '/' } }] },
    { redirect: { prefixRewrite: '/a' }, match: [{ uri: { regex: '/' } }] },
    { redirect: { prefixRewrite: '/a' }, match: [{ uri: { prefix: '/' } }, { uri: { exact: '/' } }] },
    { redirect: { prefixRewrite: '/a' }, match: [{ headers: { a: { exact: 'b' } } }] },
    { redirect: { prefixRewrite: '/a' } },
    { rewrite: { uri: '/' } },
    { fault: { abort: { httpStatus: 500, percentage: { value: 100 } } } },
  ]),
  ...put('VirtualService', 'http[].redirect', wrap(action, 'redirect'), [
    {},
    ...each('uri', '/', 'a', '', 1, '%PROTOCOL%', 'a\nb'),
    ...each('authority', 'a.example', 'a.example:80', '', '*.example', 'a b', '10.0.0.1', '[::1]:80', 'a_b'),
    ...each('scheme', 'http', 'https', 'ftp', 'HTTPS', ''),
    ...each('port', 80, 0, 65_535, 65_536, -1, '80'),
    ...each('derivePort', 'FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT', 'OTHER', ''),
    ...each('redirectCode', 301, 302).map((value) => value),
    ...[0, 200, 299, 300, 301, 302, 303, 304, 305, 307, 308, 399, 400, -1, '301'].map((redirectCode) => ({
      uri: '/',
      redirectCode,
    })),
    { uri: '/', prefixRewrite: '/a' },
    { port: 80, derivePort: 'FROM_REQUEST_PORT' },
    { prefixRewrite: '' },
    { typo: 1, uri: '/' },
  ]),
  ...put('VirtualService', 'http[].directResponse', wrap(action, 'directResponse'), [
    {},
    ...each('status', 100, 199, 200, 204, 418, 503, 599, 600, 601, 0, -1, '200'),
    ...[
      {},
      { string: 'a' },
      { string: '' },
      { bytes: 'YQ==' },
      { bytes: '/w==' },
      { bytes: 'a' },
      { bytes: '%' },
      { string: 'a', bytes: 'YQ==' },
      { string: 'a'.repeat(100 * 1024) },
      { string: 'a'.repeat(100 * 1024 + 1) },
      { string: 'a'.repeat(1024 * 1024) },
      { string: 'a'.repeat(1024 * 1024 + 1) },
      { typo: 1 },
    ].map((body) => ({ status: 200, body })),
  ]),
  ...put('VirtualService', 'http[].corsPolicy', wrap(rule, 'corsPolicy'), [
    {},
    ...STRINGS.map((origin) => ({ allowOrigins: [origin] })),
    ...each('allowOrigins', [], [null], {}, ['a']),
    ...each('allowOrigin', ['a'], ['*'], [''], 'a'),
    ...['GET', 'get', '*', 'OTHER', '', 'CONNECT', 'TRACE', 'PATCH', 1].map((method) => ({ allowMethods: [method] })),
    ...['x-a', '*', '', 'a b', 'X-A', 'a_b', 'a.b', 'a:b', 1].map((name) => ({ allowHeaders: [name] })),
    ...['x-a', '*', '', 'a b'].map((name) => ({ exposeHeaders: [name] })),
    ...each('maxAge', ...MORE_DURATIONS, '24h'),
    ...each('allowCredentials', true, false, 'true', null),
    ...each('unmatchedPreflights', 'FORWARD', 'IGNORE', 'UNSPECIFIED', 'OTHER'),
    { typo: 1 },
  ]),
  ...put('VirtualService', 'http[].fault', wrap(rule, 'fault'), [
    {},
    { delay: {} },
    { abort: {} },
    ...PERCENTS.map((value) => ({ delay: { fixedDelay: '1s', percentage: { value } } })),
    ...MORE_DURATIONS.map((fixedDelay) => ({ delay: { fixedDelay } })),
    { delay: { exponentialDelay: '1s' } },
    { delay: { exponentialDelay: '1s', fixedDelay: '1s' } },
    ...[0, 50, 101, -1].map((percent) => ({ delay: { fixedDelay: '1s', percent } })),
    { delay: { percentage: { value: 1 } } },
    ...PERCENTS.map((value) => ({ abort: { httpStatus: 500, percentage: { value } } })),
    ...[0, 100, 199, 200, 599, 600, 601, '500'].map((httpStatus) => ({ abort: { httpStatus } })),
    ...['UNAVAILABLE', 'unavailable', '14', 'OTHER', '', 'NOT_FOUND', 'OK', 'CANCELLED'].map((grpcStatus) => ({
      abort: { grpcStatus },
    })),
    { abort: { http2Error: 'a' } },
    { abort: { httpStatus: 500, grpcStatus: 'UNAVAILABLE' } },
    { abort: { percentage: { value: 1 } } },
    { typo: 1 },
  ]),
  ...put('VirtualService', 'tls[]', tlsRule, [
    {},
    ...each('match', undefined, [], [{}], [null]),
    ...each('route', undefined, [], [{}], [null], [{ destination: {} }], [{ destination: { host: '*' } }]),
    { route: [{ destination }, { destination }] },
    { route: [{ destination, weight: -1 }] },
    { route: [{ destination: { host: 'a', subset: 'a_b' } }] },
    { typo: 1 },
  ]),
  ...put('VirtualService', 'tls[].match[]', tlsMatch, [
    ...each('sniHosts', [], ['a.example'], ['*.a.example'], ['b.example'], ['*'], ['10.0.0.1'], ['a_b'], [''], 'a'),
    ...each('destinationSubnets', ['10.0.0.0/8'], ['10.0.0.1'], ['10.0.0.0/33'], ['a'], ['::/0']),
    ...each('port', 443, 0, 65_536),
    ...each('sourceLabels', { a: 'b' }, { 'a b': 'c' }),
    ...each('gateways', ['gw'], ['a_b']),
    ...each('sourceNamespace', 'a', 'a_b'),
    { typo: 1 },
  ]),
  ...put('VirtualService', 'tcp[]', tcpRule, [
    {},
    ...each('route', undefined, [], [{}], [null], [{ destination: { host: '*' } }]),
    ...each('match', [], [{}], [null], [{ port: 0 }], [{ port: 65_536 }], [{ destinationSubnets: ['a'] }]),
    ...each('match', [{ gateways: ['a_b'] }], [{ sourceLabels: { 'a b': 'c' } }], [{ sourceSubnet: 'a' }]),
    ...each('match', [{ destinationSubnets: ['10.0.0.0/8', '10.0.0.1'] }]),
    { route: [{ destination }, { destination }] },
    { typo: 1 },
  ]),
];

const plain = { port: { number: 80, name: 'a', protocol: 'HTTP' }, hosts: ['*'] };
const gateway: Frame = (value) => ({ selector: { istio: 'ingressgateway' }, servers: [plain], ...value });
const server: Frame = (value) => gateway({ servers: [{ ...plain, ...value }] });
const port: Frame = (value) => server({ port: { number: 80, name: 'a', protocol: 'HTTP', ...value } });
const secure: Frame = (value) => server({ port: { number: 443, name: 'a', protocol: 'HTTPS' }, tls: value });
const simple: Frame = (value) => secure({ mode: 'SIMPLE', credentialName: 'x', ...value });

const CERTIFICATES: Values = [
  { credentialName: 'x' },
  { credentialNames: ['x'] },
  { credentialNames: ['x', 'y'] },
  { serverCertificate: '/c', privateKey: '/k' },
  { serverCertificate: '/c' },
  { privateKey: '/k' },
  { serverCertificate: '/c', privateKey: '/k', caCertificates: '/a' },
  { tlsCertificates: [{ serverCertificate: '/c', privateKey: '/k' }] },
  { tlsCertificates: [{ serverCertificate: '/c' }] },
  { tlsCertificates: [{}] },
  { tlsCertificates: [] },
  { credentialName: 'x', serverCertificate: '/c', privateKey: '/k' },
  { credentialName: 'x', credentialNames: ['y'] },
  { credentialName: 'x', tlsCertificates: [{ serverCertificate: '/c', privateKey: '/k' }] },
  { serverCertificate: '/c', privateKey: '/k', tlsCertificates: [{ serverCertificate: '/c', privateKey: '/k' }] },
  { credentialName: 'x', caCrl: '/l' },
  { serverCertificate: '/c', privateKey: '/k', caCrl: '/l' },
  { serverCertificate: '/c', privateKey: '/k', caCertificates: '/a', caCrl: '/l' },
  {},
];
const MODES = ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL', 'PASSTHROUGH', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', undefined];

const gateways: readonly Case[] = [
  ...put('Gateway', '', gateway, [
    ...each('selector', undefined, 'a', ...LABELS),
    ...each('servers', undefined, [], [null], {}, [{}], [plain, plain], [plain, { ...plain, name: 'b' }]),
    { servers: [plain, { ...plain, port: { number: 81, name: 'b', protocol: 'HTTP' } }] },
    { servers: [plain, { ...plain, port: { number: 80, name: 'b', protocol: 'HTTP' } }] },
    { typo: 1 },
  ]),
  ...put('Gateway', 'servers[]', server, [
    ...each('hosts', undefined, [], 'a', ['*', '*'], ['a.example', 'a.example']),
    ...NAMES.map((name) => ({ hosts: [name] })),
    ...['./a.example', '*/a.example', 'ns/a.example', 'ns/*', '*/*', 'ns/', '/a.example', 'a_b/a.example'].map(
      (name) => ({ hosts: [name] }),
    ),
    ...['~/a.example', 'a.b/a.example', 'ns/a', 'ns/a/b', 'NS/a.example', './*'].map((name) => ({ hosts: [name] })),
    ...each('name', 'a', '', 'a b'),
    ...each('bind', '0.0.0.0', '::', '10.0.0.1', 'a', '', '10.0.0.0/8', 'unix:///a'),
    ...each('defaultEndpoint', '127.0.0.1:80', 'a', ''),
    { bind: 'unix:///a', port: { number: 0, name: 'a', protocol: 'HTTP' } },
    { bind: 'unix://a', port: { number: 0, name: 'a', protocol: 'HTTP' } },
    { port: undefined },
    ...each('tls', {}, { httpsRedirect: true }, { httpsRedirect: false }, { mode: 'SIMPLE', credentialName: 'x' }),
    ...each(
      'tls',
      { mode: 'PASSTHROUGH' },
      { credentialName: 'x' },
      { httpsRedirect: 'true' },
      { caCertificates: '/a' },
    ),
    ...each('tls', { minProtocolVersion: 'TLSV1_2' }, { httpsRedirect: true, cipherSuites: [] }),
    { typo: 1 },
  ]),
  ...put('Gateway', 'servers[].port', port, [
    ...each('number', 80, 0, 65_535, 65_536, -1, '80', undefined, 1.5),
    ...each('name', 'a', '', undefined, 'a b', 'A_b', 1),
    ...['HTTP', 'http', 'HTTP2', 'GRPC', 'GRPC-WEB', 'grpc-web', 'TCP', 'MONGO', 'REDIS', 'MYSQL'].map((protocol) => ({
      protocol,
    })),
    ...['UDP', 'HTTP_PROXY', 'HBONE', 'OTHER', '', undefined, 'HTTPS', 'TLS'].map((protocol) => ({ protocol })),
    ...each('targetPort', 80, 0, 65_536),
    { typo: 1 },
  ]),
  ...MODES.flatMap((mode) =>
    put('Gateway', `servers[].tls ${mode}`, (value) => secure({ ...(mode && { mode }), ...value }), CERTIFICATES),
  ),
  ...put('Gateway', 'servers[].tls HTTPS', simple, [
    ...each('mode', 'OTHER', 'simple', '', 1),
    ...each('httpsRedirect', true, false),
    ...['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3', 'TLSV1_4', ''].flatMap((version) => [
      { minProtocolVersion: version },
      { maxProtocolVersion: version },
    ]),
    { minProtocolVersion: 'TLSV1_3', maxProtocolVersion: 'TLSV1_2' },
    ...each('cipherSuites', [], ['ECDHE-RSA-AES128-GCM-SHA256'], ['ECDHE-RSA-AES128-GCM-SHA256', 'OTHER'], ['OTHER']),
    ...each('cipherSuites', ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'], [''], ['AES128-SHA']),
    ...each(
      'cipherSuites',
      ['TLS_AES_128_GCM_SHA256'],
      ['ecdhe-rsa-aes128-gcm-sha256'],
      ['ECDHE-RSA-CHACHA20-POLY1305'],
    ),
    ...each('subjectAltNames', ['a'], [], ['']),
    ...each('verifyCertificateHash', ['a'], ['']),
    ...each('verifyCertificateSpki', ['a']),
    ...each('credentialName', 'kubernetes://a', 'ns/a', 'a b', '', 'A'),
    ...each('credentialNames', ['a', 'b', 'c'], []).map((value) => ({ credentialName: undefined, ...value })),
    ...each('caCertCredentialName', 'a', ''),
    ...each('insecureSkipVerify', true, false),
    { typo: 1 },
  ]),
  ...put(
    'Gateway',
    'servers[] TLS',
    (value) => server({ port: { number: 443, name: 'a', protocol: 'TLS' }, ...value }),
    [{}, { tls: { mode: 'PASSTHROUGH' } }, { tls: { mode: 'SIMPLE', credentialName: 'x' } }, { tls: {} }],
  ),
  ...put(
    'Gateway',
    'servers[] TCP',
    (value) => server({ port: { number: 90, name: 'a', protocol: 'TCP' }, ...value }),
    [{}, { tls: { mode: 'SIMPLE', credentialName: 'x' } }, { tls: { httpsRedirect: true } }],
  ),
  ...['a', 'a.b', 'a'.repeat(64)].map((name) => ({
    id: `Gateway metadata.name ${shorten(name)}`,
    value: object('Gateway', gateway({}), { name }),
  })),
  ...['VirtualService', 'DestinationRule'].flatMap((kind) =>
    ['a.b', 'a'.repeat(64)].map((name) => ({
      id: `${kind} metadata.name ${shorten(name)}`,
      value: object(kind, kind === 'VirtualService' ? virtualService({}) : { host: 'a' }, { name }),
    })),
  ),
  {
    id: 'VirtualService metadata.annotations istio.io/dry-run',
    value: object('VirtualService', virtualService({}), { annotations: { 'istio.io/dry-run': 'true' } }),
  },
];

const destinationRule: Frame = (value) => ({ host: 'a', ...value });
const policy: Frame = (value) => destinationRule({ trafficPolicy: value });
const subset: Frame = (value) => destinationRule({ subsets: [{ name: 'a', ...value }] });
const balancer = wrap(policy, 'loadBalancer');
const hash = wrap(balancer, 'consistentHash');
const locality = wrap(balancer, 'localityLbSetting');
const zones = wrap(balancer, 'zoneAwareLbSetting');
const pool = wrap(policy, 'connectionPool');
const outlier = wrap(policy, 'outlierDetection');
const upstream = wrap(policy, 'tls');
const ofPort: Frame = (value) => policy({ portLevelSettings: [{ port: { number: 80 }, ...value }] });

const destinationRules: readonly Case[] = [
  ...put('DestinationRule', '', destinationRule, [
    ...NAMES.map((host) => ({ host })),
    { host: undefined },
    ...each('exportTo', ...EXPORTS),
    ...each('subsets', [], [null], [{}], {}, [{ name: 'a' }, { name: 'a' }], [{ name: 'a' }, { name: 'A' }]),
    ...each('trafficPolicy', {}, { typo: 1 }, null),
    ...each('workloadSelector', {}, { matchLabels: {} }, { matchLabels: { a: 'b' } }, { matchLabels: { '': 'b' } }),
    ...each('workloadSelector', { matchLabels: { a: '*' } }, { matchLabels: { '*': 'a' } }),
    { workloadSelector: { matchLabels: { a: 'b' } }, exportTo: ['*'] },
    { workloadSelector: { matchLabels: { a: 'b' } }, exportTo: ['.'] },
    { workloadSelector: { matchLabels: { a: 'b' } }, exportTo: ['other'] },
    { workloadSelector: { matchLabels: { a: 'b' } }, exportTo: ['.', 'other'] },
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'subsets[]', subset, [
    ...each('name', undefined, '', 'A', 'a.b', 'a_b', 'a'.repeat(63), 'a'.repeat(64), '-a', 1),
    ...each('labels', ...LABELS),
    ...each('trafficPolicy', {}, { loadBalancer: { simple: 'RANDOM' } }, { tls: { mode: 'MUTUAL' } }, null),
    ...each(
      'trafficPolicy',
      { portLevelSettings: [{ port: { number: 80 } }] },
      { outlierDetection: { interval: '0s' } },
    ),
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy', policy, [
    ...each('loadBalancer', {}, { simple: 'OTHER' }, { simple: 'ROUND_ROBIN' }, { simple: 1 }, { typo: 1 }),
    ...each('loadBalancer', { simple: 'RANDOM', consistentHash: { useSourceIp: true } }, { simple: 'LEAST_CONN' }),
    ...each('loadBalancer', { localityLbSetting: {}, zoneAwareLbSetting: {} }, { simple: 'PASSTHROUGH' }),
    ...each('connectionPool', {}, { tcp: {} }, { http: {} }, { typo: 1 }),
    ...each('outlierDetection', {}, null),
    ...each('portLevelSettings', [], [{}], [null], {}),
    ...each('proxyProtocol', {}, { version: 'V1' }, { version: 'V2' }, { version: 'V3' }, { version: 1 }),
    { proxyProtocol: { version: 'V1' }, tunnel: { targetHost: 'a.example', targetPort: 80 } },
    ...each('tunnel', {}, { targetHost: 'a.example', targetPort: 80 }, { targetHost: 'a.example' }, { targetPort: 80 }),
    ...['CONNECT', 'POST', 'GET', '', 'connect'].map((protocol) => ({
      tunnel: { protocol, targetHost: 'a.example', targetPort: 80 },
    })),
    ...['10.0.0.1', '::1', '*.example', 'a_b', '', 'a.example.'].map((targetHost) => ({
      tunnel: { targetHost, targetPort: 80 },
    })),
    ...[0, 65_536, '80'].map((targetPort) => ({ tunnel: { targetHost: 'a.example', targetPort } })),
    ...each('retryBudget', {}, { percent: 20 }, { percent: { value: 20 } }, { percent: 101 }, { percent: -1 }),
    ...each('retryBudget', { percent: { value: 101 } }, { minRetryConcurrency: 3 }, { minRetryConcurrency: -1 }),
    ...each('retryBudget', ...DURATIONS.map((budgetInterval) => ({ budgetInterval }))),
  ]),
  ...put('DestinationRule', 'trafficPolicy.loadBalancer.consistentHash', hash, [
    {},
    ...each('useSourceIp', true, false, 'true'),
    ...each('httpHeaderName', 'x-a', '', 1),
    ...each('httpQueryParameterName', 'a', ''),
    { useSourceIp: true, httpHeaderName: 'x-a' },
    { httpHeaderName: 'x-a', httpCookie: { name: 'a', ttl: '0s' } },
    ...each('httpCookie', {}, { name: 'a' }, { ttl: '1s' }, { name: '', ttl: '1s' }),
    ...DURATIONS.map((ttl) => ({ httpCookie: { name: 'a', ttl } })),
    ...[[{ name: 'a' }], [{ name: 'a', value: 'b' }], [{ name: '' }], [{}], [{ name: 'a' }, { name: 'a' }], []].map(
      (attributes) => ({ httpCookie: { name: 'a', ttl: '0s', attributes } }),
    ),
    ...[1024, 0, -1, '1'].map((minimumRingSize) => ({ httpHeaderName: 'x-a', minimumRingSize })),
    { httpHeaderName: 'x-a', ringHash: {} },
    { httpHeaderName: 'x-a', ringHash: { minimumRingSize: 10 } },
    { httpHeaderName: 'x-a', minimumRingSize: 1, ringHash: { minimumRingSize: 10 } },
    { httpHeaderName: 'x-a', minimumRingSize: 0, ringHash: { minimumRingSize: 10 } },
    { httpHeaderName: 'x-a', ringHash: {}, maglev: { tableSize: 65_537 } },
    { ringHash: { minimumRingSize: 10 } },
    ...[undefined, 0, 1, 2, 3, 4, 9, 65_537, 65_536, 5_000_011, 4_999_999, 5_000_000, -1].map((tableSize) => ({
      httpHeaderName: 'x-a',
      maglev: { tableSize },
    })),
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.loadBalancer', balancer, [
    ...each('warmup', {}, { duration: '10s', minimumPercent: 101 }, { duration: '10s', minimumPercent: 50 }),
    ...DURATIONS.map((duration) => ({ warmup: { duration } })),
    ...[0, 0.5, 1, -1, '1', 1.5].map((aggression) => ({ warmup: { duration: '10s', aggression } })),
    ...each('warmupDurationSecs', ...DURATIONS),
    { warmup: { duration: '1s' }, warmupDurationSecs: '1s' },
  ]),
  ...put('DestinationRule', 'trafficPolicy.loadBalancer.localityLbSetting', locality, [
    {},
    { enabled: true },
    { enabled: 'true' },
    { distribute: [{ from: 'a', to: { b: 100 } }] },
    { distribute: [{ from: 'a', to: { b: 60, c: 40 } }] },
    { distribute: [{ from: 'a', to: { b: 60, c: 60 } }] },
    { distribute: [{ from: 'a', to: { b: 0, c: 100 } }] },
    { distribute: [{ from: 'a', to: {} }] },
    { distribute: [{ from: 'a' }] },
    { distribute: [{ to: { b: 100 } }] },
    { distribute: [{ from: 'a', to: { b: 101 } }] },
    { distribute: [{ from: 'a/b/*', to: { 'a/*': 50, 'c/d': 50 } }] },
    {
      distribute: [
        { from: 'a', to: { b: 100 } },
        { from: 'a', to: { b: 100 } },
      ],
    },
    {
      distribute: [
        { from: 'a', to: { b: 100 } },
        { from: 'a/b', to: { b: 100 } },
      ],
    },
    {
      distribute: [
        { from: '*', to: { b: 100 } },
        { from: 'a', to: { b: 100 } },
      ],
    },
    { distribute: [{ from: 'a*b', to: { b: 100 } }] },
    { distribute: [{ from: 'a//b', to: { b: 100 } }] },
    { distribute: [{ from: 'a', to: { b: 50, 'b/c': 50 } }] },
    { distribute: [] },
    { failover: [{ from: 'a', to: 'b' }] },
    { failover: [{ from: 'a', to: 'a' }] },
    { failover: [{ from: 'a/b', to: 'c' }] },
    { failover: [{ from: 'a', to: 'b/c' }] },
    { failover: [{ from: '*', to: 'b' }] },
    { failover: [{}] },
    { failoverPriority: ['topology.istio.io/network'] },
    { failover: [{ from: 'a', to: 'b' }], distribute: [{ from: 'a', to: { b: 100 } }] },
    { failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/region'] },
    { failover: [{ from: 'a', to: 'b' }], failoverPriority: ['other'] },
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.loadBalancer.zoneAwareLbSetting', zones, [
    {},
    { enabled: true },
    { minClusterSize: 6 },
    { minClusterSize: -1 },
    { failover: [{ from: 'a', to: 'b' }] },
    { failover: [{ from: 'a', to: 'a' }] },
    { failover: [{ from: 'a/b', to: 'c' }] },
    { failover: [{ from: '*', to: 'b' }] },
    { failoverPriority: ['topology.kubernetes.io/zone'] },
    { failoverPriority: ['other'] },
  ]),
  ...put('DestinationRule', 'trafficPolicy with failover', policy, [
    {
      outlierDetection: {},
      loadBalancer: { localityLbSetting: { failover: [{ from: 'a', to: 'b' }] } },
    },
    {
      loadBalancer: { simple: 'RANDOM', localityLbSetting: { failoverPriority: ['a'] } },
    },
  ]),
  ...put('DestinationRule', 'trafficPolicy.connectionPool.http', wrap(pool, 'http'), [
    ...['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection', 'maxRetries'].flatMap((field) =>
      each(field, ...COUNTS),
    ),
    ...each('maxConcurrentStreams', ...COUNTS),
    ...each('idleTimeout', ...MORE_DURATIONS),
    ...each('h2UpgradePolicy', 'DEFAULT', 'UPGRADE', 'DO_NOT_UPGRADE', 'OTHER'),
    { h2UpgradePolicy: 'UPGRADE', useClientProtocol: true },
    { h2UpgradePolicy: 'UPGRADE', useClientProtocol: false },
    ...each('useClientProtocol', true, 'true'),
    ...each('http2KeepAlive', {}, { interval: '1s' }, { timeout: '1s' }, { interval: '1s', timeout: '1s' }),
    ...each('http2KeepAlive', { interval: '0s', timeout: '1s' }, { interval: '1s', timeout: '0s' }),
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.connectionPool.tcp', wrap(pool, 'tcp'), [
    ...each('maxConnections', ...COUNTS),
    ...each('connectTimeout', ...MORE_DURATIONS),
    ...each('maxConnectionDuration', ...DURATIONS),
    ...each('idleTimeout', ...DURATIONS),
    ...each('tcpKeepalive', {}, { probes: 3 }, { probes: -1 }, { probes: 'a' }),
    ...DURATIONS.flatMap((time) => [{ tcpKeepalive: { time } }, { tcpKeepalive: { interval: time } }]),
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.outlierDetection', outlier, [
    ...['consecutive5xxErrors', 'consecutiveGatewayErrors', 'consecutiveErrors'].flatMap((field) =>
      each(field, ...COUNTS),
    ),
    ...COUNTS.map((consecutiveLocalOriginFailures) => ({ consecutiveLocalOriginFailures })),
    { consecutiveLocalOriginFailures: 1, splitExternalLocalOriginErrors: true },
    { consecutiveLocalOriginFailures: 1, splitExternalLocalOriginErrors: false },
    { splitExternalLocalOriginErrors: 'true' },
    ...each('interval', ...MORE_DURATIONS),
    ...each('baseEjectionTime', ...DURATIONS),
    ...each('maxEjectionPercent', ...PERCENTS),
    ...each('minHealthPercent', ...PERCENTS),
    ...each('outlierDetectionHttpErrorCodes', [500], ['500'], [99], [], [600]),
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.tls', upstream, [
    {},
    ...each('mode', 'DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL', 'OTHER', 'simple', 1),
    { mode: 'SIMPLE', caCertificates: '/a' },
    { mode: 'SIMPLE', credentialName: 'x' },
    { mode: 'SIMPLE', credentialName: 'x', caCertificates: '/a' },
    { mode: 'SIMPLE', credentialName: 'x', caCrl: '/l' },
    { mode: 'SIMPLE', credentialName: 'x', clientCertificate: '/c' },
    { mode: 'SIMPLE', clientCertificate: '/c', privateKey: '/k' },
    { mode: 'SIMPLE', caCrl: '/l' },
    { mode: 'SIMPLE', insecureSkipVerify: true },
    { mode: 'SIMPLE', insecureSkipVerify: true, caCertificates: '/a' },
    { mode: 'SIMPLE', insecureSkipVerify: true, credentialName: 'x' },
    { mode: 'SIMPLE', insecureSkipVerify: true, subjectAltNames: ['a'] },
    { mode: 'SIMPLE', insecureSkipVerify: true, subjectAltNames: [] },
    { mode: 'SIMPLE', insecureSkipVerify: false, subjectAltNames: ['a'] },
    { mode: 'MUTUAL', credentialName: 'x' },
    { mode: 'MUTUAL', credentialName: 'x', privateKey: '/k' },
    { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k' },
    { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k', caCertificates: '/a' },
    { mode: 'MUTUAL', clientCertificate: '/c' },
    { mode: 'MUTUAL', privateKey: '/k' },
    { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k', insecureSkipVerify: true },
    { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k', caCertificates: '/a', insecureSkipVerify: true },
    { mode: 'MUTUAL', credentialName: 'x', insecureSkipVerify: true },
    { mode: 'ISTIO_MUTUAL', clientCertificate: '/c', privateKey: '/k' },
    { mode: 'ISTIO_MUTUAL', credentialName: 'x' },
    { mode: 'SIMPLE', credentialName: 'configmap://a' },
    { mode: 'SIMPLE', credentialName: 'configmap://default/a' },
    { mode: 'SIMPLE', credentialName: 'configmap://other/a' },
    { mode: 'SIMPLE', sni: 'a.example' },
    { mode: 'SIMPLE', sni: '' },
    { mode: 'SIMPLE', subjectAltNames: ['a'] },
    { mode: 'SIMPLE', subjectAltNames: 'a' },
    { mode: 'SIMPLE', insecureSkipVerify: 'true' },
    { typo: 1 },
  ]),
  ...put('DestinationRule', 'trafficPolicy.portLevelSettings[]', ofPort, [
    {},
    { port: undefined, loadBalancer: { simple: 'RANDOM' } },
    ...PORTS.map((one) => ({ port: one, loadBalancer: { simple: 'RANDOM' } })),
    { loadBalancer: { simple: 'OTHER' } },
    { loadBalancer: {} },
    { tls: { mode: 'MUTUAL' } },
    { tls: { mode: 'SIMPLE' } },
    { connectionPool: {} },
    { connectionPool: { tcp: { maxConnections: -1 } } },
    { connectionPool: { tcp: { connectTimeout: '0s' } } },
    { outlierDetection: { interval: '0s' } },
    { outlierDetection: { maxEjectionPercent: 101 } },
    { loadBalancer: { consistentHash: { httpCookie: {} } } },
    { loadBalancer: { localityLbSetting: { failover: [{ from: 'a', to: 'a' }] } } },
    { typo: 1, loadBalancer: { simple: 'RANDOM' } },
    { tunnel: { targetHost: 'a.example', targetPort: 80 }, loadBalancer: { simple: 'RANDOM' } },
  ]),
];

const http = { number: 80, name: 'http', protocol: 'HTTP' };
const serviceEntry: Frame = (value) => ({
  hosts: ['a.example'],
  ports: [http],
  location: 'MESH_EXTERNAL',
  resolution: 'STATIC',
  endpoints: [{ address: '10.0.0.1' }],
  ...value,
});
const dns: Frame = (value) => serviceEntry({ resolution: 'DNS', endpoints: undefined, ...value });
const entryPort: Frame = (value) => serviceEntry({ ports: [{ ...http, ...value }] });
const endpoint: Frame = (value) => serviceEntry({ endpoints: [{ address: '10.0.0.1', ...value }] });
const named: Frame = (value) => dns({ endpoints: [{ address: 'b.example', ...value }] });
const workload: Frame = (value) => ({ address: '10.0.0.1', ...value });

const ADDRESSES = [
  '10.0.0.1',
  '::1',
  'a.example',
  'a',
  '',
  '10.0.0.300',
  '10.0.0.0/8',
  'unix:///a',
  'unix://a',
  'a_b',
  '*',
];

const serviceEntries: readonly Case[] = [
  ...put('ServiceEntry', '', serviceEntry, [
    ...NAMES.map((name) => ({ hosts: [name] })),
    ...each('hosts', undefined, [], 'a.example', ['a.example', 'a.example'], ['a.example', 'b.example']),
    { hosts: ['a.example', 'b.example'], ports: [{ number: 80, name: 'a', protocol: 'TCP' }] },
    { hosts: ['a.example', 'b.example'], ports: [{ number: 80, name: 'a' }] },
    { hosts: ['a.example', 'b.example'], ports: [{ number: 443, name: 'a', protocol: 'TLS' }] },
    { hosts: Array.from({ length: 257 }, (_, index) => `a${index}.example`) },
    ...each('addresses', ['10.0.0.1'], ['10.0.0.0/8'], ['a'], [''], ['10.0.0.0/33'], ['::1'], ['2001:db8::/32']),
    ...each('exportTo', ...EXPORTS),
    ...each('location', 'MESH_INTERNAL', 'OTHER', '', undefined),
    ...each('ports', undefined, [], [null], {}, [http, http]),
    { ports: [http, { ...http, name: 'b' }] },
    { ports: [http, { ...http, number: 81 }] },
    ...each('endpoints', undefined, [], [null], {}),
    ...each('resolution', undefined, 'NONE', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS', 'OTHER'),
    { resolution: undefined, endpoints: undefined },
    { resolution: 'NONE', endpoints: undefined },
    { resolution: 'NONE', endpoints: undefined, workloadSelector: { labels: { a: 'b' } } },
    { endpoints: undefined, workloadSelector: {} },
    ...LABELS.map((labels) => ({ endpoints: undefined, workloadSelector: { labels } })),
    { workloadSelector: { labels: { a: 'b' } } },
    { endpoints: [], workloadSelector: { labels: { a: 'b' } } },
    ...each('subjectAltNames', ['a'], []),
    { typo: 1 },
  ]),
  ...put('ServiceEntry', 'DNS', dns, [
    {},
    { hosts: ['*.example'] },
    { hosts: ['*.example'], endpoints: [{ address: 'b.example' }] },
    { hosts: ['10.0.0.1'] },
    { addresses: ['10.0.0.0/8'] },
    { addresses: ['10.0.0.1'], hosts: ['a.example', 'b.example'], ports: [{ ...http, protocol: 'HTTPS' }] },
    { endpoints: [{}] },
    { workloadSelector: { labels: { a: 'b' } } },
    { resolution: 'DNS_ROUND_ROBIN' },
    { resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.example' }, { address: 'b.example' }] },
    { resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.example' }] },
    { resolution: 'DYNAMIC_DNS', hosts: ['*.example'] },
    { resolution: 'DYNAMIC_DNS' },
    { resolution: 'DYNAMIC_DNS', hosts: ['*.example'], addresses: ['10.0.0.1'] },
    { resolution: 'DYNAMIC_DNS', hosts: ['*.example'], ports: [{ ...http, protocol: 'TCP' }] },
    { resolution: 'DYNAMIC_DNS', hosts: ['*.example'], endpoints: [{ address: 'a.example' }] },
  ]),
  ...put('ServiceEntry', 'ports[]', entryPort, [
    ...each('number', 80, 0, 65_536, -1, '80', undefined),
    ...each('name', 'a', '', undefined, 'a b', 'A', 'a.b', 'a_b', 'a'.repeat(64)),
    ...['HTTP', 'http', 'HTTP2', 'GRPC', 'TCP', 'TLS', 'HTTPS', 'UDP', 'OTHER', '', undefined, 'MONGO', 'REDIS'].map(
      (protocol) => ({ protocol }),
    ),
    ...each('targetPort', 8080, 0, 65_536, -1),
    { typo: 1 },
  ]),
  ...put('ServiceEntry', 'endpoints[]', endpoint, [
    ...each('address', ...ADDRESSES, undefined),
    ...each('ports', { http: 80 }, { other: 80 }, { http: 0 }, { http: 65_536 }, { 'a b': 80 }, { http: '80' }, {}),
    ...each('labels', ...LABELS),
    ...each('network', 'a', ''),
    ...each('locality', 'a/b/c', '', 'a//b'),
    ...each('weight', ...COUNTS),
    { address: undefined, network: 'a' },
    { address: 'unix:///a', ports: { http: 80 } },
    { typo: 1 },
  ]),
  ...put('ServiceEntry', 'DNS endpoints[]', named, [
    ...each('address', ...ADDRESSES, undefined),
    ...each('ports', { http: 80 }, { other: 80 }, { http: 0 }),
    ...each('labels', { 'a b': 'c' }),
  ]),
  ...put('WorkloadEntry', '', workload, [
    ...each('address', ...ADDRESSES, undefined),
    { address: undefined, network: 'a' },
    { address: '', network: 'a' },
    { address: 'unix:///a', ports: { http: 80 } },
    ...each('ports', { http: 80 }, { http: 0 }, { http: 65_536 }, { 'a b': 80 }, { '': 80 }, {}),
    ...each('labels', ...LABELS),
    ...each('weight', ...COUNTS),
    ...each('locality', 'a/b/c', '', 'a//b'),
    ...each('serviceAccount', 'a', ''),
    { typo: 1 },
  ]),
];

/** Every case, in the order of the kinds and of the fields. */
export const cases: readonly Case[] = [...virtualServices, ...gateways, ...destinationRules, ...serviceEntries];
