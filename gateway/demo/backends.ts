/**
 * A program of its own: serves one small page for each Pod of a manifest, on the Pod's address and port.
 * It is no part of the gateway: it stands in for the applications of a cluster.
 * Usage: node gateway/demo/backends.ts MANIFEST. Started by the demo, by `install.sh --example`, or by hand.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { pageOf } from './page.ts';
import { type DemoPod, podsOf } from './pods.ts';

/** What the demo, as the parent, hears over IPC. */
export type BackendsReport = { readonly type: 'listening' } | { readonly type: 'failed'; readonly reason: string };

if (import.meta.main) await main(process.argv[2]);

async function main(manifest: string | undefined): Promise<void> {
  if (manifest === undefined) return fail('usage: node gateway/demo/backends.ts MANIFEST');
  let pods: readonly DemoPod[];
  let servers: readonly Server[];
  try {
    pods = podsOf(readFileSync(manifest, 'utf8'));
    servers = await Promise.all(pods.map(serve));
  } catch (error) {
    return fail((error as Error).message);
  }
  if (pods.length === 0) return fail(`${manifest} has no Pod with a status.podIP and a containerPort`);
  endWithParentOrSignal(servers);
  report({ type: 'listening' });
}

function serve(pod: DemoPod): Promise<Server> {
  const page = pageOf(pod);
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume();
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(page) });
    response.end(page);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`the page ${pod.app} ${pod.version}: ${error.message}`)));
    server.listen(pod.port, pod.address, () => resolve(server));
  });
}

/** Ctrl-C reaches the whole process group: beside a parent the pages stay until it has drained and lets go. */
function endWithParentOrSignal(servers: readonly Server[]): void {
  const end = (): void => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  process.once('SIGTERM', end);
  if (process.send === undefined) process.once('SIGINT', end);
  else {
    process.on('SIGINT', () => undefined);
    process.once('disconnect', end);
  }
}

/** Ends the process although some pages may listen already, once the parent has been told. */
function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  report({ type: 'failed', reason }, () => process.exit(1));
}

function report(message: BackendsReport, then: () => void = () => undefined): void {
  if (process.send === undefined) then();
  else process.send(message, then);
}
