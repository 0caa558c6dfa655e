import type { Reader } from './reader/reader.ts';
import { boolean, decimal, durationMs, integer, oneOf, positiveDurationMs } from './reader/scalars.ts';

/** Field names inside a field that is not honoured; a reader checks a leaf's value, `null` marks any leaf (or a map with free names). */
export type KnownFields = { readonly [field: string]: KnownFields | Reader<unknown> | null };

/** A known field that this version does not honour, with what happens instead, in words that end a sentence. */
export type Unhonoured = {
  readonly meanwhile: string;
  readonly fields?: KnownFields;
  /** Checks the value of a field that has no fields of its own. */
  readonly value?: Reader<unknown>;
};

const count = integer({ min: 0, max: 2 ** 32 - 1 });
const percent = decimal({ min: 0, max: 100 });

/** Leaves of one level, as words: `leaves('host subset')`. */
function leaves(names: string): KnownFields {
  return Object.fromEntries(names.split(' ').map((name) => [name, null]));
}

const percentage = { percentage: { value: percent } } as const;
const port = { port: leaves('number') } as const;
const destination = { ...leaves('host subset'), ...port };
const headerOperations = { request: leaves('set add remove'), response: leaves('set add remove') };
const stringMatch = leaves('exact prefix regex');

const meshSelector = 'it selects sidecars; at the edge this match block never matches';
const l4Match = leaves('destinationSubnets gateways port sourceLabels sourceNamespace');
const l4Route = { route: { destination, weight: null } };

const virtualService: Readonly<Record<string, Unhonoured>> = {
  tls: {
    meanwhile: 'TLS passthrough is not served, these rules take no traffic',
    fields: { match: { ...l4Match, sniHosts: null }, ...l4Route },
  },
  tcp: {
    meanwhile: 'plain TCP is not served, these rules take no traffic',
    fields: { match: { ...l4Match, sourceSubnet: null }, ...l4Route },
  },
  'http[].corsPolicy': {
    meanwhile: 'cross-origin requests and preflights reach the backend, which answers them',
    fields: {
      allowOrigins: stringMatch,
      ...leaves('allowOrigin allowMethods allowHeaders exposeHeaders'),
      maxAge: durationMs,
      allowCredentials: boolean,
      unmatchedPreflights: oneOf({ UNSPECIFIED: 0, FORWARD: 1, IGNORE: 2 }),
    },
  },
  'http[].delegate': {
    meanwhile: 'requests that this rule takes are answered with 503',
    fields: leaves('name namespace'),
  },
  'http[].fault': {
    meanwhile: 'no delay and no abort is injected',
    fields: {
      delay: { ...percentage, percent, fixedDelay: positiveDurationMs, exponentialDelay: durationMs },
      abort: { ...percentage, httpStatus: integer({ min: 200, max: 599 }), ...leaves('grpcStatus http2Error') },
    },
  },
  'http[].headers': { meanwhile: 'headers pass unchanged', fields: headerOperations },
  'http[].route[].headers': { meanwhile: 'headers pass unchanged', fields: headerOperations },
  'http[].match[].sourceLabels': { meanwhile: meshSelector },
  'http[].match[].sourceNamespace': { meanwhile: meshSelector },
  'http[].match[].statPrefix': { meanwhile: 'no extra statistics are kept' },
  'http[].mirror': { meanwhile: 'no copy of the requests is sent', fields: destination },
  'http[].mirrors': { meanwhile: 'no copy of the requests is sent', fields: { destination, ...percentage } },
  'http[].mirrorPercentage': { meanwhile: 'no copy of the requests is sent', fields: { value: percent } },
  'http[].mirrorPercent': { meanwhile: 'no copy of the requests is sent', value: percent },
  'http[].mirror_percent': { meanwhile: 'no copy of the requests is sent', value: percent },
  'http[].retries': {
    meanwhile: 'a request is repeated only when nothing of it reached the backend',
    fields: {
      attempts: integer({ min: 0, max: 2 ** 31 - 1 }),
      perTryTimeout: positiveDurationMs,
      retryOn: null,
      retryRemoteLocalities: boolean,
      retryIgnorePreviousHosts: boolean,
      backoff: positiveDurationMs,
    },
  },
  'http[].rewrite': {
    meanwhile: 'path and host are forwarded unchanged',
    fields: { ...leaves('uri authority'), uriRegexRewrite: leaves('match rewrite') },
  },
};

const gateway: Readonly<Record<string, Unhonoured>> = {
  'servers[].bind': { meanwhile: "the listener binds to the address of the gateway's settings" },
  'servers[].defaultEndpoint': { meanwhile: 'it has no effect (nor has it in Istio)' },
  'servers[].port.targetPort': { meanwhile: "the node's ports come from the gateway's settings" },
  'servers[].tls.caCertCredentialName': { meanwhile: 'clients are not asked for certificates' },
  'servers[].tls.caCertificates': { meanwhile: 'clients are not asked for certificates' },
  'servers[].tls.caCrl': { meanwhile: 'no revocation list is used' },
  'servers[].tls.insecureSkipVerify': { meanwhile: 'clients are not asked for certificates' },
  'servers[].tls.subjectAltNames': { meanwhile: 'names of client certificates are not checked' },
  'servers[].tls.tlsCertificates[].caCertificates': { meanwhile: 'clients are not asked for certificates' },
  'servers[].tls.verifyCertificateHash': { meanwhile: 'client certificates are not checked' },
  'servers[].tls.verifyCertificateSpki': { meanwhile: 'client certificates are not checked' },
};

const failover = { failover: leaves('from to') };
const warmup = { duration: positiveDurationMs, minimumPercent: percent, aggression: decimal({ min: 1, max: 1e6 }) };

const loadBalancer = {
  consistentHash: {
    meanwhile: 'requests of one client may reach different endpoints',
    fields: {
      ...leaves('httpHeaderName httpQueryParameterName'),
      useSourceIp: boolean,
      minimumRingSize: count,
      httpCookie: { ...leaves('name path'), ttl: durationMs, attributes: leaves('name value') },
      ringHash: { minimumRingSize: count },
      maglev: { tableSize: integer({ min: 1, max: 5_000_011 }) },
    },
  },
  localityLbSetting: {
    meanwhile: 'every locality counts the same',
    fields: { ...leaves('enabled failoverPriority'), distribute: leaves('from to'), ...failover },
  },
  zoneAwareLbSetting: {
    meanwhile: 'every zone counts the same',
    fields: { ...leaves('enabled failoverPriority minClusterSize'), ...failover },
  },
  warmup: { meanwhile: 'new endpoints get their full share at once', fields: warmup },
  warmupDurationSecs: { meanwhile: 'new endpoints get their full share at once', value: durationMs },
} as const satisfies Record<string, Unhonoured>;

const http2KeepAlive = { interval: durationMs, timeout: durationMs };
const poolOfHttp = {
  h2UpgradePolicy: oneOf({ DEFAULT: 0, DO_NOT_UPGRADE: 1, UPGRADE: 2 }),
  http1MaxPendingRequests: count,
  http2MaxRequests: count,
  idleTimeout: durationMs,
  maxConcurrentStreams: count,
  maxRequestsPerConnection: count,
  maxRetries: count,
  useClientProtocol: boolean,
  http2KeepAlive,
};
const tcpKeepalive = { interval: durationMs, probes: count, time: durationMs };

const outlierDetection: Unhonoured = {
  meanwhile: 'endpoints that answer with errors stay in use',
  fields: {
    baseEjectionTime: positiveDurationMs,
    consecutive5xxErrors: count,
    consecutiveErrors: count,
    consecutiveGatewayErrors: count,
    consecutiveLocalOriginFailures: count,
    interval: positiveDurationMs,
    maxEjectionPercent: percent,
    minHealthPercent: percent,
    outlierDetectionHttpErrorCodes: null,
    splitExternalLocalOriginErrors: boolean,
  },
};

const upstreamTls: Unhonoured = {
  meanwhile: 'backends are spoken to without TLS',
  fields: leaves(
    'caCertificates caCrl clientCertificate credentialName insecureSkipVerify mode privateKey sni subjectAltNames',
  ),
};

/** Inside `portLevelSettings`, also what is honoured at the top: there it is one field that is not honoured. */
const portLevelSettings: Unhonoured = {
  meanwhile: "every port uses the destination's own settings",
  fields: {
    ...port,
    loadBalancer: { ...fieldsOf(loadBalancer), simple: null },
    connectionPool: {
      http: poolOfHttp,
      tcp: {
        connectTimeout: positiveDurationMs,
        idleTimeout: durationMs,
        maxConnectionDuration: durationMs,
        maxConnections: count,
        tcpKeepalive,
      },
    },
    outlierDetection: outlierDetection.fields ?? {},
    tls: upstreamTls.fields ?? {},
  },
};

/** Joins the trees of several entries into one. */
function fieldsOf(entries: Readonly<Record<string, Unhonoured>>): KnownFields {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, entry.fields ?? null]));
}

const trafficPolicy: Readonly<Record<string, Unhonoured>> = {
  ...prefixed('loadBalancer', loadBalancer),
  'connectionPool.http': { meanwhile: "the gateway's own limits and timeouts hold", fields: poolOfHttp },
  ...prefixed('connectionPool.tcp', {
    idleTimeout: { meanwhile: "the gateway's own idle timeout holds", value: durationMs },
    maxConnectionDuration: { meanwhile: 'upstream connections have no maximum age', value: durationMs },
    maxConnections: { meanwhile: "the gateway's own limits hold", value: count },
    tcpKeepalive: { meanwhile: "the system's keep-alive settings hold", fields: tcpKeepalive },
  }),
  outlierDetection,
  portLevelSettings,
  proxyProtocol: { meanwhile: 'no PROXY header is sent to backends', fields: leaves('version') },
  retryBudget: {
    meanwhile: 'there is no budget for repeated requests',
    fields: { percent, minRetryConcurrency: count, budgetInterval: durationMs },
  },
  tls: upstreamTls,
  tunnel: {
    meanwhile: 'backends are connected to directly',
    fields: leaves('protocol targetHost targetPort'),
  },
};

function prefixed(prefix: string, entries: Readonly<Record<string, Unhonoured>>): Record<string, Unhonoured> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [`${prefix}.${name}`, entry]));
}

const destinationRule: Readonly<Record<string, Unhonoured>> = {
  ...prefixed('trafficPolicy', trafficPolicy),
  ...prefixed('subsets[].trafficPolicy', trafficPolicy),
  workloadSelector: { meanwhile: 'the rule holds for the whole edge', fields: leaves('matchLabels') },
};

const workload: Readonly<Record<string, Unhonoured>> = {
  locality: { meanwhile: 'every locality counts the same' },
  network: { meanwhile: 'the address is reached directly, without an east-west gateway' },
  serviceAccount: { meanwhile: "the backend's identity is not checked" },
};

const serviceEntry: Readonly<Record<string, Unhonoured>> = {
  addresses: { meanwhile: 'they are for clients inside a mesh; the edge routes by host' },
  subjectAltNames: { meanwhile: "the backend's certificate is not checked" },
  ...prefixed('endpoints[]', workload),
};

const tables: Readonly<Record<string, Readonly<Record<string, Unhonoured>>>> = {
  VirtualService: virtualService,
  Gateway: gateway,
  DestinationRule: destinationRule,
  ServiceEntry: serviceEntry,
  WorkloadEntry: workload,
};

/** Known fields that are not honoured yet, by kind, then by path pattern (`spec.http[].retries`). A later version empties this. */
export const unhonoured: Readonly<Record<string, ReadonlyMap<string, Unhonoured>>> = Object.fromEntries(
  Object.entries(tables).map(([kind, table]) => [
    kind,
    new Map(Object.entries(table).map(([path, entry]) => [`spec.${path}`, entry])),
  ]),
);
