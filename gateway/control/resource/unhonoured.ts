import { zoneAwareLbSetting } from './istio/read-locality-policy.ts';
import { clientTls } from './istio/unhonoured/client-tls.ts';
import { consistentHash } from './istio/unhonoured/consistent-hash.ts';
import { bindAddress, targetPort } from './istio/unhonoured/gateway-port.ts';
import { headerOperations } from './istio/unhonoured/header-operations.ts';
import { subnet, tcpRules, tlsRules } from './istio/unhonoured/l4-rules.ts';
import { portLevelSettings } from './istio/unhonoured/port-settings.ts';
import {
  corsPolicy,
  delegate,
  fault,
  mirror,
  mirrorPercent,
  mirrorPercentage,
  mirrors,
  namespace,
  retries,
  rewrite,
} from './istio/unhonoured/route-fields.ts';
import {
  count,
  httpPool,
  optionalTimeout,
  outlierDetection,
  proxyProtocol,
  retryBudget,
  tcpKeepalive,
  tunnel,
  warmup,
} from './istio/unhonoured/upstream-settings.ts';
import { labels, listOf } from './reader/collections.ts';
import type { Unhonoured } from './reader/reader.ts';
import { boolean, positiveDurationMs, text } from './reader/scalars.ts';

const meshSelector = 'it selects sidecars; at the edge this match block never matches';

const virtualService: Readonly<Record<string, Unhonoured>> = {
  tls: { meanwhile: 'TLS passthrough is not served, these rules take no traffic', value: tlsRules },
  tcp: { meanwhile: 'plain TCP is not served, these rules take no traffic', value: tcpRules },
  'http[].corsPolicy': {
    meanwhile: 'cross-origin requests and preflights reach the backend, which answers them',
    value: corsPolicy,
  },
  'http[].delegate': { meanwhile: 'requests that this rule takes are answered with 503', value: delegate },
  'http[].fault': { meanwhile: 'no delay and no abort is injected', value: fault },
  'http[].headers': { meanwhile: 'headers pass unchanged', value: headerOperations },
  'http[].route[].headers': { meanwhile: 'headers pass unchanged', value: headerOperations },
  'http[].match[].sourceLabels': { meanwhile: meshSelector, value: labels },
  'http[].match[].sourceNamespace': { meanwhile: meshSelector, value: namespace },
  'http[].match[].statPrefix': { meanwhile: 'no extra statistics are kept', value: text },
  'http[].mirror': { meanwhile: 'no copy of the requests is sent', value: mirror },
  'http[].mirrors': { meanwhile: 'no copy of the requests is sent', value: mirrors },
  'http[].mirrorPercentage': { meanwhile: 'no copy of the requests is sent', value: mirrorPercentage },
  'http[].mirrorPercent': { meanwhile: 'no copy of the requests is sent', value: mirrorPercent },
  'http[].mirror_percent': { meanwhile: 'no copy of the requests is sent', value: mirrorPercent },
  'http[].retries': {
    meanwhile: 'a request is repeated only when nothing of it reached the backend',
    value: retries,
  },
  'http[].rewrite': { meanwhile: 'path and host are forwarded unchanged', value: rewrite },
};

const noClientCertificates = 'clients are not asked for certificates';
const notChecked = 'client certificates are not checked';

const gateway: Readonly<Record<string, Unhonoured>> = {
  'servers[].bind': { meanwhile: "the listener binds to the address of the gateway's settings", value: bindAddress },
  'servers[].defaultEndpoint': { meanwhile: 'it has no effect (nor has it in Istio)', value: text },
  'servers[].port.targetPort': { meanwhile: "the node's ports come from the gateway's settings", value: targetPort },
  'servers[].tls.caCertCredentialName': { meanwhile: noClientCertificates, value: text },
  'servers[].tls.caCertificates': { meanwhile: noClientCertificates, value: text },
  'servers[].tls.caCrl': { meanwhile: 'no revocation list is used', value: text },
  'servers[].tls.insecureSkipVerify': { meanwhile: noClientCertificates, value: boolean },
  'servers[].tls.subjectAltNames': { meanwhile: 'names of client certificates are not checked', value: listOf(text) },
  'servers[].tls.tlsCertificates[].caCertificates': { meanwhile: noClientCertificates, value: text },
  'servers[].tls.verifyCertificateHash': { meanwhile: notChecked, value: listOf(text) },
  'servers[].tls.verifyCertificateSpki': { meanwhile: notChecked, value: listOf(text) },
};

const loadBalancer = {
  consistentHash: { meanwhile: 'requests of one client may reach different endpoints', value: consistentHash },
  zoneAwareLbSetting: { meanwhile: 'every zone counts the same', value: zoneAwareLbSetting },
  warmup: { meanwhile: 'new endpoints get their full share at once', value: warmup },
  warmupDurationSecs: { meanwhile: 'new endpoints get their full share at once', value: positiveDurationMs },
} as const satisfies Record<string, Unhonoured>;

const trafficPolicy: Readonly<Record<string, Unhonoured>> = {
  ...prefixed('loadBalancer', loadBalancer),
  'connectionPool.http': { meanwhile: "the gateway's own limits and timeouts hold", value: httpPool },
  ...prefixed('connectionPool.tcp', {
    idleTimeout: { meanwhile: "the gateway's own idle timeout holds", value: optionalTimeout },
    maxConnectionDuration: { meanwhile: 'upstream connections have no maximum age', value: positiveDurationMs },
    maxConnections: { meanwhile: "the gateway's own limits hold", value: count },
    tcpKeepalive: { meanwhile: "the system's keep-alive settings hold", value: tcpKeepalive },
  }),
  outlierDetection: {
    meanwhile: 'endpoints that answer with errors stay in use; which locality is taken goes by readiness',
    value: outlierDetection,
  },
  portLevelSettings: { meanwhile: "every port uses the destination's own settings", value: portLevelSettings },
  proxyProtocol: { meanwhile: 'no PROXY header is sent to backends', value: proxyProtocol },
  retryBudget: { meanwhile: 'there is no budget for repeated requests', value: retryBudget },
  tls: { meanwhile: 'backends are spoken to without TLS', value: clientTls },
  tunnel: { meanwhile: 'backends are connected to directly', value: tunnel },
};

function prefixed(prefix: string, entries: Readonly<Record<string, Unhonoured>>): Record<string, Unhonoured> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [`${prefix}.${name}`, entry]));
}

const destinationRule: Readonly<Record<string, Unhonoured>> = {
  ...prefixed('trafficPolicy', trafficPolicy),
  ...prefixed('subsets[].trafficPolicy', trafficPolicy),
};

const workload: Readonly<Record<string, Unhonoured>> = {
  network: { meanwhile: 'the address is reached directly, without an east-west gateway', value: text },
  serviceAccount: { meanwhile: "the backend's identity is not checked", value: text },
};

const serviceEntry: Readonly<Record<string, Unhonoured>> = {
  addresses: { meanwhile: 'they are for clients inside a mesh; the edge routes by host', value: listOf(subnet) },
  subjectAltNames: { meanwhile: "the backend's certificate is not checked", value: listOf(text) },
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
