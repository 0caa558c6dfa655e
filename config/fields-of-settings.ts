import { isMap, isScalar } from 'yaml';
import { defaultWorkers } from './defaults.ts';
import {
  choice,
  duration,
  type Field,
  flag,
  integer,
  integerOr,
  ipAddress,
  listOf,
  mapping,
  namespaceName,
  oneOrMore,
  path,
  section,
  size,
  text,
} from './fields.ts';
import type { AddressPort, PortMapping, Settings } from './settings.ts';
import { sourceField } from './source-fields.ts';

const PORT = integer({ from: 1, to: 65_535 });
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KiB = 1024;

/** The whole file: which keys there are, and what each may hold. `file` is where relative paths start. */
export function settingsField(defaults: Settings, file: string): Field<Settings> {
  return section<Settings>(
    {
      node: nodeName(defaults.node),
      locality: locality(),
      namespace: namespaceName(),
      rootNamespace: namespaceName(),
      labels: labels(),
      source: sourceField(defaults.source, file),
      ports: ports(),
      address: ipAddress(),
      backlog: integer({ from: 1, to: 65_535 }),
      workers: integerOr({ auto: defaultWorkers() }, { from: 1, to: 64 }),
      trustedProxies: integer({ from: 0, to: 100 }),
      pathNormalization: choice('NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'),
      via: flag(),
      destinations: section({ allowLoopback: flag() }, defaults.destinations),
      security: section({ acceptUnenforced: listOf(policyKey()) }, defaults.security),
      admin: admin(defaults, file),
      health: addressPort(defaults.health),
      metrics: addressPort(defaults.metrics),
      stateDir: path(file),
      runtimeDir: path(file),
      accessLog: section(
        { format: choice('text', 'json', 'off'), file: path(file, { stdout: '-', '-': '-' }) },
        defaults.accessLog,
      ),
      log: section({ level: choice('debug', 'info', 'warn', 'error') }, defaults.log),
      limits: limits(defaults.limits),
      timeouts: timeouts(defaults.timeouts),
    },
    defaults,
  );
}

/** `auto`, or a name as nodes of a cluster have it. */
function nodeName(own: string): Field<string> {
  const name = text(
    /^[a-z0-9]([a-z0-9.-]{0,228}[a-z0-9])?$/,
    'auto (the host name), or the name of a node (lower case, digits, - and .)',
  );
  return (node, place, reading) => (isScalar(node) && node.value === 'auto' ? own : name(node, place, reading));
}

/** `auto`, or a place as Istio writes it. */
function locality(): Field<string> {
  return text(
    /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+){0,2}$/,
    'auto (the labels of the Node of this name), or region/zone/subzone, of which the end may be left out',
  );
}

/** The kinds that may stand in `security.acceptUnenforced`. */
const POLICY_KEY =
  /^(?:AuthorizationPolicy|RequestAuthentication|EnvoyFilter|WasmPlugin|TrafficExtension|Telemetry)(?:\/[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\/[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)?$/;

function policyKey(): Field<string> {
  return text(
    POLICY_KEY,
    'Kind/namespace/name, or the Kind alone for all of them, of an AuthorizationPolicy, RequestAuthentication, EnvoyFilter, WasmPlugin, TrafficExtension or Telemetry',
  );
}

function limits(defaults: Settings['limits']): Field<Settings['limits']> {
  return section(
    {
      headerBytes: size({ from: 4 * KiB, to: 256 * KiB }),
      targetBytes: size({ from: 256, to: 128 * KiB }),
      headerCount: integer({ from: 10, to: 1000 }),
      connectionsPerClient: integer({ from: 1, to: 1_000_000 }),
      connections: integer({ from: 1, to: 1_000_000 }),
      requestsPerConnection: integer({ from: 0, to: 1_000_000_000 }),
      idleUpstreamPerEndpoint: integer({ from: 0, to: 100_000 }),
      pendingPerCluster: integer({ from: 1, to: 1_000_000 }),
    },
    defaults,
  );
}

function timeouts(defaults: Settings['timeouts']): Field<Settings['timeouts']> {
  return section(
    {
      tlsHandshakeMs: duration({ from: 100, to: MINUTE }),
      headerMs: duration({ from: 100, to: 5 * MINUTE }),
      bodyIdleMs: duration({ from: 100, to: HOUR }),
      keepAliveMs: duration({ from: 100, to: HOUR }),
      connectMs: duration({ from: 10, to: 5 * MINUTE }),
      responseMs: duration({ from: 0, to: HOUR }),
      streamIdleMs: duration({ from: 100, to: 24 * HOUR }),
      upstreamIdleMs: duration({ from: 100, to: HOUR }),
      drainIdleMs: duration({ from: 0, to: MINUTE }),
      drainMs: duration({ from: 0, to: 10 * MINUTE }),
    },
    defaults,
  );
}

function admin(defaults: Settings, file: string): Field<Settings['admin']> {
  const none = { certificate: '', privateKey: '' };
  const pair = section({ certificate: path(file), privateKey: path(file) }, none);
  return section(
    {
      address: ipAddress(),
      port: PORT,
      socket: path(file),
      tls: (node, place, reading) => {
        const read = pair(node, place, reading);
        if (read === undefined) return undefined;
        for (const key of ['certificate', 'privateKey'] as const) {
          if (!reading.isSet(`${place.path}.${key}`)) {
            reading.report(place.path, `${place.path} needs both files; ${place.path}.${key} is missing`);
          }
        }
        return read;
      },
    },
    defaults.admin,
  );
}

function addressPort(defaults: AddressPort): Field<AddressPort> {
  return section({ address: ipAddress(), port: PORT }, defaults);
}

function ports(): Field<readonly PortMapping[]> {
  const pairs = mapping({ key: portFault, value: oneOrMore(PORT) });
  return (node, place, reading) => {
    const read = pairs(node, place, reading);
    if (isMap(node) && node.items.length === 0) {
      reading.report(place.path, 'ports must map at least one Gateway port to a node port, such as 80: 31380');
    }
    return read
      ?.map(([gatewayPort, nodePorts]) => ({ gatewayPort: Number(gatewayPort), nodePorts }))
      .sort((a, b) => a.gatewayPort - b.gatewayPort);
  };
}

function portFault(key: string): string | undefined {
  const isPort = /^[1-9]\d{0,4}$/.test(key) && Number(key) <= 65_535;
  return isPort ? undefined : `${JSON.stringify(key)} is not a Gateway port: write its number, such as 80: 31380`;
}

const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

function labels(): Field<Readonly<Record<string, string>>> {
  const pairs = mapping({
    key: (key) => (LABEL_KEY.test(key) ? undefined : `${JSON.stringify(key)} is not a Kubernetes label name`),
    value: text(LABEL_VALUE, 'the value of a Kubernetes label (at most 63 letters, digits, -, _ or .)'),
  });
  return (node, place, reading) => {
    const read = pairs(node, place, reading);
    return read === undefined ? undefined : Object.fromEntries(read);
  };
}
