import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { makeCa } from '../kit/certificates.ts';
import { eventually } from '../kit/eventually.ts';
import { TestGateway } from '../kit/gateway.ts';
import { gatewayYaml, type MyApp, startMyApp } from '../kit/myapp.ts';

const LIMIT = 5;
let app: MyApp;
let gateway: TestGateway;
let authority: string;

before(async () => {
  app = await startMyApp();
  const ca = await makeCa();
  const certificate = await ca.issue({ names: ['shop.example'] });
  authority = ca.certificatePem;
  const secure = `${gatewayYaml}  - port:\n      number: 443\n      name: https\n      protocol: HTTPS\n    hosts:\n    - "*"\n    tls:\n      mode: SIMPLE\n      credentialName: shop\n`;
  const text = (pem: string): string => JSON.stringify(pem);
  const secret = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: ${text(certificate.certificatePem)}\n  tls.key: ${text(certificate.privateKeyPem)}\n`;
  gateway = await TestGateway.start({
    routes: { ...app.routes, 'gateway.yaml': secure, 'secret.yaml': secret },
    workers: 1,
    settings: { limits: { connectionsPerClient: LIMIT } },
  });
});

after(async () => {
  await gateway?.stop();
  await app?.close();
});

test('connections that never begin their handshake count against their client', async () => {
  const sockets = Array.from({ length: 2 * LIMIT }, () => net.connect(gateway.httpsPort, '127.0.0.1'));
  const closed = new Set<net.Socket>();
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.on('close', () => closed.add(socket));
  }
  await eventually(() => closed.size === LIMIT);
  for (const socket of sockets) socket.destroy();
  await eventually(async () => (await gateway.workers())[0]?.connections === 0);
});

test('a connection that was accepted before a stop still gets its handshake and its answer', async () => {
  const raw = net.connect(gateway.httpsPort, '127.0.0.1');
  await once(raw, 'connect');
  await eventually(async () => (await gateway.workers())[0]?.connections === 1);
  const ended = gateway.terminate();
  await eventually(() => isLeftWaiting(gateway.httpsPort));
  const secure = tls.connect({ socket: raw, servername: 'shop.example', ca: authority });
  secure.end('GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const chunk of secure) answer += String(chunk);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal(await ended, 0);
});

/** No worker takes new connections any more: they wait in the supervisor's queue, or are refused once it has ended. */
function isLeftWaiting(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(new Error('waits in the queue')), 100);
    socket.on('error', () => resolve(true));
    socket.on('data', () => resolve(false));
    socket.on('close', () => clearTimeout(timer));
  });
}
