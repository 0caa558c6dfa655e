import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer, PeerOptions } from './peers.ts';
import { proxyCore, startPinned, stopTree } from './process-tree.ts';
import { freePort } from './workshop.ts';

const program = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));

export type Gateway = Peer & {
  readonly adminSocket: string;
  readonly routes: string;
  readonly metricsPort: number;
  /** File of its log, one JSON line a message. */
  readonly output: string;
};

type GatewayOptions = PeerOptions & {
  readonly hosts?: number;
  readonly core?: string;
  /** A cluster is the source; else a folder. */
  readonly kubeconfig?: string;
};

/** mesh-gateway as it runs under systemd, with settings and objects of its own: one host, or `hosts` of them. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { folder } = options;
  const [httpPort, httpsPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const routes = path.join(folder, 'routes');
  const runtimeDir = path.join(options.workshop.memoryFolder, path.basename(folder));
  const adminSocket = path.join(runtimeDir, 'admin.sock');
  mkdirSync(routes, { recursive: true });
  writeFileSync(
    path.join(folder, 'gateway.yaml'),
    await settings(options, { runtimeDir, httpPort, httpsPort, metricsPort }),
  );
  if (options.kubeconfig === undefined) writeObjects(routes, options);

  const command = [
    process.execPath,
    '--disable-sigusr1',
    '--disable-warning=ExperimentalWarning',
    program,
    'run',
    '--settings',
    path.join(folder, 'gateway.yaml'),
  ];
  const output = path.join(folder, 'output.log');
  const child = startPinned(options.core ?? proxyCore, command, output, {
    NODE_ENV: 'production',
  });
  if (child.pid === undefined) throw new Error('mesh-gateway did not start');
  return {
    name: 'mesh-gateway',
    pid: child.pid,
    httpPort,
    httpsPort,
    adminSocket,
    routes,
    metricsPort,
    output,
    stop: () => stopTree(child),
  };
}

/** `h00000.example` and so on. */
export function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `h${String(index).padStart(5, '0')}.example`);
}

function writeObjects(routes: string, { workshop, hosts }: GatewayOptions): void {
  writeFileSync(path.join(routes, 'gateway.yaml'), commonObjects(workshop.backendPort, workshop.certificate));
  if (hosts === undefined) writeFileSync(path.join(routes, 'all.yaml'), virtualService('all', '*'));
  else
    for (const host of hostNames(hosts))
      writeFileSync(path.join(routes, `${host}.yaml`), virtualService(host.replace('.example', ''), host));
}

async function settings(
  { folder, accessLog, workers, kubeconfig }: GatewayOptions,
  at: {
    readonly runtimeDir: string;
    readonly httpPort: number;
    readonly httpsPort: number;
    readonly metricsPort: number;
  },
): Promise<string> {
  const { runtimeDir, httpPort, httpsPort, metricsPort } = at;
  const source = kubeconfig === undefined ? 'folder: routes' : `kubernetes:\n    kubeconfig: ${kubeconfig}`;
  return `source:
  ${source}
ports:
  80: ${httpPort}
  443: ${httpsPort}
workers: ${workers}
address: 127.0.0.1
stateDir: state
runtimeDir: ${runtimeDir}
destinations:
  allowLoopback: true
admin:
  port: ${await freePort()}
  socket: ${runtimeDir}/admin.sock
health:
  port: ${await freePort()}
metrics:
  port: ${metricsPort}
accessLog:
  format: ${accessLog === 'on' ? 'text' : 'off'}
  file: ${folder}/access.log
`;
}

function commonObjects(port: number, files: { readonly certificate: string; readonly key: string }): string {
  const base64 = (file: string): string => readFileSync(file).toString('base64');
  const pod = (version: string, address: string): string => `---
apiVersion: v1
kind: Pod
metadata: { name: myapp-${version}, labels: { app: myapp, version: ${version} } }
spec: { containers: [{ name: myapp, ports: [{ containerPort: ${port} }] }] }
status: { phase: Running, podIP: ${address}, conditions: [{ type: Ready, status: "True" }] }
`;
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: bench }
spec:
  selector: { istio: ingressgateway }
  servers:
  - { port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }
  - { port: { number: 443, name: https, protocol: HTTPS }, hosts: ["*"], tls: { mode: SIMPLE, credentialName: bench } }
---
apiVersion: v1
kind: Secret
metadata: { name: bench }
type: kubernetes.io/tls
data: { tls.crt: ${base64(files.certificate)}, tls.key: ${base64(files.key)} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: myapp }
spec: { host: myapp, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: v1
kind: Service
metadata: { name: myapp }
spec: { selector: { app: myapp }, ports: [{ name: http, port: 80, targetPort: ${port} }] }
${pod('v1', '127.0.0.1')}${pod('v2', '127.0.0.2')}`;
}

function virtualService(name: string, host: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts: ["${host}"]
  gateways: [bench]
  http:
  - route:
    - destination: { host: myapp, subset: v1 }
      weight: 50
    - destination: { host: myapp, subset: v2 }
      weight: 50
`;
}
