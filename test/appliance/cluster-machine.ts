/**
 * A program for the client machine, which plays the cluster: an API server that knows no kind of Istio's and enforces RBAC, on ADDRESS:6443,
 * and in it the service myapp with two pods, which run at POD1 and POD2. Prints an administrator's kubeconfig, with YAML's `...` after it, and ends
 * with its stdin.
 * Usage: node cluster-machine.ts ADDRESS POD1 POD2
 */
import net from 'node:net';
import { parse, stringify } from 'yaml';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { startBackend } from '#test/kit/backend.ts';

const API_PORT = 6443;
const POD_PORT = 8080;

const [address = '', ...pods] = process.argv.slice(2);
const server = await ApiServer.start({ definitions: [], rbac: 'enforced' });
const relay = await listen(address, API_PORT, Number(new URL(server.url).port));
const backends = await Promise.all(
  pods.map((pod, index) => startBackend(`v${index + 1}`, { address: pod, port: POD_PORT })),
);
server.apply(service(), ...pods.map(podOf), slice());
console.log(`${kubeconfig()}...`);
process.stdin.resume().once('end', () => {
  relay.close();
  void Promise.all([server.stop(), ...backends.map((backend) => backend.close())]).then(() => process.exit(0));
});

/** The server itself listens on loopback alone. */
function listen(host: string, port: number, to: number): Promise<net.Server> {
  const relay = net.createServer((socket) => {
    const inner = net.connect({ host: '127.0.0.1', port: to, noDelay: true });
    socket.setNoDelay(true);
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    inner.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  return new Promise((resolve, reject) => {
    relay.once('error', reject).listen(port, host, () => resolve(relay));
  });
}

/** Its certificate knows loopback's names alone. */
function kubeconfig(): string {
  const url = `https://${address}:${API_PORT}`;
  const config = parse(server.kubeconfig({ url })) as { clusters: { cluster: Record<string, unknown> }[] };
  for (const { cluster } of config.clusters) cluster['tls-server-name'] = 'localhost';
  return stringify(config);
}

function service() {
  const spec = { selector: { app: 'myapp' }, ports: [{ name: 'http', port: 80, targetPort: POD_PORT }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'myapp', namespace: 'default' }, spec };
}

function podOf(podIP: string, index: number) {
  const labels = { app: 'myapp', version: `v${index + 1}` };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `myapp-v${index + 1}`, namespace: 'default', labels },
    spec: { containers: [{ name: 'myapp', image: 'myapp', ports: [{ containerPort: POD_PORT }] }] },
    status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function slice() {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'myapp-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'myapp' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: POD_PORT, protocol: 'TCP' }],
    endpoints: pods.map((pod, index) => ({
      addresses: [pod],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: `myapp-v${index + 1}`, namespace: 'default' },
    })),
  };
}
