import { randomInt } from 'node:crypto';
import net from 'node:net';

/**
 * Ports that nobody is given without asking for them: above those of common programs and the last that `fetch` refuses
 * (10080, the Fetch Standard's bad ports), below Kubernetes' node ports and those that Linux gives to connections (32768 to
 * 60999), where one may have a port for as long as it lives.
 */
const FIRST = 10_100;
const LAST = 29_999;

/** So many in a row are never all taken by chance. */
const TRIALS = 100;

/** TCP ports that were free a moment ago, all different: held together while they are chosen. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listenSomewhere(): Promise<net.Server> {
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const server = await listenOn(randomInt(FIRST, LAST + 1));
    if (server !== undefined) return server;
  }
  throw new Error(`no free port among ${TRIALS} from ${FIRST} to ${LAST}`);
}

/** Undefined where somebody listens already. */
function listenOn(port: number): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(port, '::', () => resolve(server));
  });
}
