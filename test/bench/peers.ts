/**
 * The proxies that mesh-gateway is compared with, each with one process or thread that works, the same headers added,
 * kept-alive connections to the backend, TLS 1.3 with the same certificate.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGateway } from './gateway.ts';
import { proxyCore, startPinned, stopTree } from './process-tree.ts';
import { answers, freePort, type Workshop } from './workshop.ts';

export type PeerName = 'direct' | 'nginx' | 'haproxy' | 'fastify' | 'mesh-gateway';

export type PeerOptions = {
  readonly workshop: Workshop;
  /** A folder of its own. */
  readonly folder: string;
  readonly accessLog: 'on' | 'off';
  readonly workers: number;
};

export type Peer = {
  readonly name: PeerName;
  /** The root of its process tree; absent for a direct connection. */
  readonly pid?: number;
  readonly httpPort: number;
  readonly httpsPort?: number;
  stop(): Promise<void>;
};

/** What mesh-gateway prefers: the same for all, or the cheaper one would win by that alone. */
const cipher = 'TLS_AES_128_GCM_SHA256';

const starters: Record<PeerName, (options: PeerOptions) => Promise<Peer>> = {
  direct: async ({ workshop }) => ({ name: 'direct', httpPort: workshop.backendPort, stop: async () => {} }),
  nginx: startNginx,
  haproxy: startHaproxy,
  fastify: startFastify,
  'mesh-gateway': startGateway,
};

export const peerNames = Object.keys(starters) as PeerName[];

/** Starts a peer and waits until it answers. */
export async function startPeer(name: PeerName, options: PeerOptions): Promise<Peer> {
  mkdirSync(options.folder, { recursive: true });
  const peer = await starters[name](options);
  await answers(`http://127.0.0.1:${peer.httpPort}/`, name);
  return peer;
}

/** Its version in one line, or undefined when it is not installed. */
export function peerVersion(name: PeerName): string | undefined {
  const fastify = fileURLToPath(new URL('../../node_modules/@fastify/http-proxy/package.json', import.meta.url));
  const versions: Record<PeerName, () => string | undefined> = {
    direct: () => 'no proxy',
    nginx: () => firstLine('nginx -v 2>&1'),
    haproxy: () => firstLine('haproxy -v'),
    fastify: () => firstLine(`test -e '${fastify}' && echo @fastify/http-proxy on Node ${process.version}`),
    'mesh-gateway': () => `this checkout on Node ${process.version}`,
  };
  return versions[name]();
}

function firstLine(command: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    )[0];
  } catch {
    return undefined;
  }
}

async function startNginx({ workshop, folder, accessLog }: PeerOptions): Promise<Peer> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const { certificate, key } = workshop.certificate;
  const config = path.join(folder, 'nginx.conf');
  // buffered, as mesh-gateway's own log is
  const log = accessLog === 'on' ? `${folder}/access.log combined buffer=32k flush=1s` : 'off';
  writeFileSync(
    config,
    `user root; worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.err;
events { worker_connections 8192; }
http { access_log ${log}; keepalive_requests 100000000; keepalive_timeout 600s;
  upstream backend { server 127.0.0.1:${workshop.backendPort}; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${httpPort} backlog=4096; listen 127.0.0.1:${httpsPort} ssl backlog=4096;
    ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; ssl_conf_command Ciphersuites ${cipher}; ssl_certificate ${certificate}; ssl_certificate_key ${key};
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; } } }
`,
  );
  return launched('nginx', ['nginx', '-c', config], folder, { httpPort, httpsPort });
}

async function startHaproxy({ workshop, folder, accessLog }: PeerOptions): Promise<Peer> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const config = path.join(folder, 'haproxy.cfg');
  const log = accessLog === 'on' ? '  log stdout format raw local0\n  option httplog\n' : '';
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 8192
  ssl-default-bind-curves X25519
  ssl-default-bind-ciphersuites ${cipher}
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option forwardfor
  http-reuse always
frontend f
${log}  bind 127.0.0.1:${httpPort} backlog 4096
  bind 127.0.0.1:${httpsPort} backlog 4096 ssl crt ${workshop.certificate.both} ssl-min-ver TLSv1.3 alpn http/1.1
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
  default_backend b
backend b
  server s1 127.0.0.1:${workshop.backendPort} pool-max-conn 512
`,
  );
  return launched('haproxy', ['haproxy', '-db', '-f', config], folder, { httpPort, httpsPort });
}

async function startFastify({ workshop, folder, accessLog }: PeerOptions): Promise<Peer> {
  const httpPort = await freePort();
  const program = fileURLToPath(new URL('./fastify-proxy.ts', import.meta.url));
  const log = accessLog === 'on' ? path.join(folder, 'access.log') : '';
  const command = [process.execPath, program, String(httpPort), `http://127.0.0.1:${workshop.backendPort}`, log];
  return launched('fastify', command, folder, { httpPort });
}

function launched(
  name: PeerName,
  command: readonly string[],
  folder: string,
  ports: { readonly httpPort: number; readonly httpsPort?: number },
): Peer {
  const child = startPinned(proxyCore, command, path.join(folder, 'output.log'));
  if (child.pid === undefined) throw new Error(`${name} did not start`);
  return { name, pid: child.pid, ...ports, stop: () => stopTree(child) };
}
