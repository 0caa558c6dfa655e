/**
 * V8 decides from the first seven objects that a constructor makes how many of their fields lie inside the object. A garbage
 * collection that finds none of those seven alive makes it forget what they had: all sockets made afterwards are kept as
 * dictionaries, and every access to one takes a slow way (measured: 2 us more for a request, as soon as the worker has
 * loaded a thousand hosts before its first connections). So the first seven are made on purpose, and kept.
 */
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';

/** More than V8 looks at. */
const SAMPLES = 8;

const kept: Socket[] = [];

/**
 * To be awaited before a process makes other sockets or much else; costs some ten milliseconds. Where loopback cannot be
 * used, nothing is settled and nothing is lost but speed.
 */
export async function settleSocketShapes(): Promise<void> {
  const secure = tls.createServer();
  secure.on('tlsClientError', (_error, socket) => kept.push(socket));
  const accepted: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true, noDelay: true });
  const all = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      if (accepted.push(socket) === SAMPLES) resolve();
    });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    await Promise.all(Array.from({ length: SAMPLES }, () => connected(port)));
    await all;
    for (const socket of accepted) secure.emit('connection', socket);
  } catch {
    // No loopback.
  } finally {
    server.close();
    kept.push(...accepted);
    for (const socket of kept) socket.destroy();
  }
}

async function connected(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  kept.push(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', reject);
  });
}
