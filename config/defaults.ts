import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import type { Limits, PortMapping, Settings, Timeouts } from './settings.ts';

/** Where `mesh-gateway run` looks for its settings when none are named. */
export const DEFAULT_SETTINGS_FILE = '/etc/mesh-gateway/gateway.yaml';

/** More workers than this bring little at an edge, and each costs memory; `workers:` may still ask for more. */
const MOST_WORKERS_BY_DEFAULT = 4;

const PORTS: readonly PortMapping[] = [
  { gatewayPort: 80, nodePorts: [31380] },
  { gatewayPort: 443, nodePorts: [31390] },
  // Istio's own gateway Service maps 80 and 443 to these, so Gateway objects are met with either number.
  { gatewayPort: 8080, nodePorts: [31380] },
  { gatewayPort: 8443, nodePorts: [31390] },
];

const LIMITS: Limits = {
  headerBytes: 60 * 1024,
  targetBytes: 16 * 1024,
  headerCount: 100,
  connectionsPerClient: 1024,
  connections: 16_384,
  requestsPerConnection: 0,
  idleUpstreamPerEndpoint: 128,
  pendingPerCluster: 4096,
};

const TIMEOUTS: Timeouts = {
  tlsHandshakeMs: 5000,
  headerMs: 10_000,
  bodyIdleMs: 60_000,
  keepAliveMs: 60_000,
  connectMs: 10_000,
  responseMs: 0,
  streamIdleMs: 3_600_000,
  upstreamIdleMs: 4000,
  drainIdleMs: 1000,
  drainMs: 25_000,
};

/** Every default of this appliance. `env` is asked for the directories that systemd made for the service. */
export function defaultSettings(env: NodeJS.ProcessEnv): Settings {
  const runtimeDir = firstDirectory(env['RUNTIME_DIRECTORY']) ?? '/run/mesh-gateway';
  return {
    node: hostname(),
    locality: 'auto',
    namespace: 'istio-system',
    rootNamespace: 'istio-system',
    labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
    source: { kind: 'folder', path: '/etc/mesh-gateway/routes.d' },
    ports: PORTS,
    address: '::',
    backlog: 4096,
    workers: defaultWorkers(),
    trustedProxies: 0,
    pathNormalization: 'BASE',
    via: false,
    destinations: { allowLoopback: false },
    security: { acceptUnenforced: [] },
    admin: { address: '127.0.0.1', port: 15_000, socket: socketIn(runtimeDir) },
    health: { address: '127.0.0.1', port: 15_021 },
    metrics: { address: '127.0.0.1', port: 15_090 },
    stateDir: firstDirectory(env['STATE_DIRECTORY']) ?? '/var/lib/mesh-gateway',
    runtimeDir,
    accessLog: { format: 'text', file: '-' },
    log: { level: 'info' },
    limits: LIMITS,
    timeouts: TIMEOUTS,
  };
}

/** The number that `workers: auto` stands for on this machine. */
export function defaultWorkers(): number {
  return Math.min(availableParallelism(), MOST_WORKERS_BY_DEFAULT);
}

/** The admin socket of a gateway that runs in `runtimeDir`. */
export function socketIn(runtimeDir: string): string {
  return join(runtimeDir, 'admin.sock');
}

/** systemd lists several directories with colons between them; the first is ours. */
function firstDirectory(list: string | undefined): string | undefined {
  const first = list?.split(':')[0];
  return first === undefined || first === '' ? undefined : first;
}
