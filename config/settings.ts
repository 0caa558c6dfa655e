import { readFile } from 'node:fs/promises';
import { isMap, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { checkTogether } from './checks.ts';
import { DEFAULT_SETTINGS_FILE, defaultSettings, socketIn } from './defaults.ts';
import { settingsField } from './fields-of-settings.ts';
import { Reading, type SettingsProblem } from './reading.ts';

/**
 * STATIC settings: how this appliance runs, never what it routes.
 * Durations are milliseconds here and strings with a unit ("5s", "250ms", "1m") in the file, whose keys go
 * without the `Ms`. Promises that a Settings value is whole and consistent; never reads a route. Called by
 * main.ts and the demo; every other part gets the values it needs as arguments.
 */
export type Settings = {
  /** Name of this node, by which appliances of one cluster tell each other apart. Default: its host name. */
  readonly node: string;
  /** Where it stands, as `region/zone/subzone`; `auto` is what the labels of the Kubernetes Node of the same name say. */
  readonly locality: string;
  /** The gateway's own namespace: Secrets of `credentialName` are looked up here. Default `istio-system`. */
  readonly namespace: string;
  /** Istio's root namespace (`meshConfig.rootNamespace`): its policies and rules hold for all. Default `istio-system`. */
  readonly rootNamespace: string;
  /** Labels of this appliance, matched by the selectors of Gateways and policies. Default: those of Istio's own gateway. */
  readonly labels: Readonly<Record<string, string>>;
  readonly source: FolderSourceSettings | KubernetesSourceSettings;
  /** Gateway server port -> node ports. Gateway ports with the same node ports share one listener. */
  readonly ports: readonly PortMapping[];
  /** Address that node ports bind to; `::` is dual stack and falls back to `0.0.0.0` where IPv6 is off. */
  readonly address: string;
  /** Length of the shared accept queue. Default 4096. */
  readonly backlog: number;
  /** Worker processes. Default min(available cores, 4). */
  readonly workers: number;
  /** Number of trusted proxies in front (Istio `gatewayTopology.numTrustedProxies`). Default 0. */
  readonly trustedProxies: number;
  readonly pathNormalization: PathNormalization;
  /** Adds `Via` to requests and responses. Default false. */
  readonly via: boolean;
  readonly destinations: DestinationSettings;
  readonly security: SecuritySettings;
  readonly admin: AdminSettings;
  readonly health: AddressPort;
  readonly metrics: AddressPort;
  /** Kept over restarts: token, accepted objects, last good snapshot. 0700. */
  readonly stateDir: string;
  /** Lost at reboot: snapshot units for the workers, admin socket. 0700. */
  readonly runtimeDir: string;
  readonly accessLog: AccessLogSettings;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  readonly limits: Limits;
  readonly timeouts: Timeouts;
};

/** Istio's `pathNormalization.normalization`. */
type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

type FolderSourceSettings = { readonly kind: 'folder'; readonly path: string };

/** A cluster, by its API. */
export type KubernetesSourceSettings = {
  readonly kind: 'kubernetes';
  /** A path; `credential:NAME` (a file that systemd's LoadCredential= gives); or `in-cluster`, a pod's own account. */
  readonly kubeconfig: string;
  /** Default: the kubeconfig's current-context. */
  readonly context?: string;
  /** Further API servers of the same cluster, tried after the kubeconfig's own. */
  readonly servers: readonly string[];
  /** Objects of other namespaces are not read, the gateway's own and the root namespace apart; empty is all. */
  readonly namespaces: readonly string[];
  /** What stands behind a Service: its pods, its cluster IP, or its node port on every node. Default `pods`. */
  readonly endpoints: 'pods' | 'clusterIP' | 'nodePort';
};
export type PortMapping = { readonly gatewayPort: number; readonly nodePorts: readonly number[] };
export type AddressPort = { readonly address: string; readonly port: number };

/** Destinations are refused (503) when they are this appliance's own admin, health or metrics ports or link-local. */
type DestinationSettings = { readonly allowLoopback: boolean };

/** `Kind/namespace/name` of objects that may guard hosts and are not enforced (or a kind, for all of it, read or not): their hosts are served all the same. */
type SecuritySettings = { readonly acceptUnenforced: readonly string[] };

/** `tls` is needed for an address that is not loopback: without it the gateway refuses to start. */
type AdminSettings = AddressPort & {
  readonly socket: string;
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
};

/** `file` is a path, or `-` for stdout. */
type AccessLogSettings = { readonly format: 'text' | 'json' | 'off'; readonly file: string };

export type Limits = {
  /** Request line and header fields together; more is 431. Default 61440 (60 KiB, as Envoy). */
  readonly headerBytes: number;
  /** Request target; more is 414. Default 16384. */
  readonly targetBytes: number;
  /** Header fields; more is 431. Default 100 (as Envoy). */
  readonly headerCount: number;
  /** Connections from one client address (IPv6: /64) to one worker's share. Default 1024. */
  readonly connectionsPerClient: number;
  /** Connections a worker holds at once; beyond it it stops accepting. Default 16384. */
  readonly connections: number;
  /** Requests on one keep-alive connection before it is closed; 0 is no limit. Default 0. */
  readonly requestsPerConnection: number;
  /** Idle upstream connections kept for one endpoint by one worker. Default 128. */
  readonly idleUpstreamPerEndpoint: number;
  /** Requests waiting or running towards one cluster in one worker; beyond it 503 UO. Default 4096. */
  readonly pendingPerCluster: number;
};

export type Timeouts = {
  /** From accept to the whole ClientHello and handshake. Default 5s. */
  readonly tlsHandshakeMs: number;
  /** From the first byte of a request head to its end; then 408. Default 10s. */
  readonly headerMs: number;
  /** Between two reads of a request body; then 408. Default 60s. */
  readonly bodyIdleMs: number;
  /** Idle keep-alive connection from a client. Default 60s. */
  readonly keepAliveMs: number;
  /** TCP connect to an endpoint; then 503 UF. Default 10s (Istio's connectTimeout). */
  readonly connectMs: number;
  /** From the end of a request to the first byte of its response, when the route sets no `timeout`; 0 is none. Default 0 (Istio). */
  readonly responseMs: number;
  /** Between two reads of a response body or of a tunnel; then reset. Default 1h (Istio's idleTimeout). */
  readonly streamIdleMs: number;
  /** Idle pooled upstream connection, below the backends' own (commonly 5 s in Node, 60 s+ elsewhere). Default 4s. */
  readonly upstreamIdleMs: number;
  /** When draining: idle keep-alive connections may still bring one request for so long. Default 1s. */
  readonly drainIdleMs: number;
  /** When draining: the longest that work in flight may take. Default 25s. */
  readonly drainMs: number;
};

export type SettingsResult = { readonly settings: Settings } | { readonly problems: readonly SettingsProblem[] };

/**
 * Reads the settings file. Without a name the default file is taken, and may be missing: all defaults then.
 * A named file must exist.
 */
export async function loadSettings(file: string | undefined, env: NodeJS.ProcessEnv): Promise<SettingsResult> {
  const path = file ?? DEFAULT_SETTINGS_FILE;
  try {
    return parseSettings(await readFile(path, 'utf8'), path, env);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' && file === undefined) return parseSettings(undefined, path, env);
    const message = `cannot read the settings file: ${reason === 'ENOENT' ? 'there is none at this path' : (error as Error).message}`;
    return { problems: [{ field: '', message, file: path, line: 1, column: 1 }] };
  }
}

/** Settings, or every problem of the file at once, in the order of their lines. No text means all defaults. */
export function parseSettings(text: string | undefined, file: string, env: NodeJS.ProcessEnv): SettingsResult {
  const lines = new LineCounter();
  const document = parseDocument(text ?? '', { lineCounter: lines, prettyErrors: false });
  const reading = new Reading({ file, document, lines });
  for (const error of document.errors) reading.report('', syntaxFault(error), error.pos[0]);
  if (document.errors.length > 0) return { problems: reading.problems };

  const defaults = defaultSettings(env);
  const root = reading.resolve(document.contents);
  const read = root === null ? defaults : settingsField(defaults, file)(root, { path: '', keyOffset: 0 }, reading);
  const settings = read === undefined ? defaults : withDependentDefaults(read, reading);
  if (isMap(root)) checkTogether(settings, reading);
  if (reading.problems.length === 0) return { settings };
  return { problems: reading.problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** One problem as compilers print theirs: `gateway.yaml:12:3: unknown key "wokers": did you mean workers?` */
export function formatSettingsProblem(problem: SettingsProblem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

export type { SettingsProblem };

/** The admin socket lies in the runtime directory, also when the file moves only the latter. */
function withDependentDefaults(settings: Settings, reading: Reading): Settings {
  if (reading.isSet('admin.socket')) return settings;
  return { ...settings, admin: { ...settings.admin, socket: socketIn(settings.runtimeDir) } };
}

function syntaxFault(error: YAMLError): string {
  if (error.code === 'MULTIPLE_DOCS') return 'the settings are one YAML document: remove this `---` and what follows';
  return `YAML: ${error.message}`;
}
