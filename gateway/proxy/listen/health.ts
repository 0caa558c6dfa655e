import http from 'node:http';
import type { Server } from 'node:net';

/** Why this worker is ready to take traffic, or not. */
export type Readiness = {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
  /** What people should know, and what decides nothing. */
  readonly notes?: Readonly<Record<string, string>>;
};

/**
 * Answers `/healthz/ready` (200 or 503) and `/healthz/live` from inside a worker, so that a dead control moves no
 * virtual address. `?verbose` lists every check with its reason. Closed with the returned function.
 */
export function serveHealth(handle: Server, backlog: number, readiness: () => Readiness): () => void {
  const server = http.createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 1_000 },
    (request, response) => {
      const url = URL.parse(request.url ?? '/', 'http://health');
      const answer = answerFor(url, request.method ?? 'GET', readiness);
      response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : answer.body);
    },
  );
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(handle, backlog);
  return () => {
    server.close();
    server.closeIdleConnections();
  };
}

function answerFor(url: URL | null, method: string, readiness: () => Readiness): { status: number; body: string } {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET and HEAD\n' };
  if (url === null) return { status: 400, body: 'malformed request target\n' };
  if (url.pathname === '/healthz/live') return { status: 200, body: 'live\n' };
  if (url.pathname !== '/healthz/ready')
    return { status: 404, body: 'try /healthz/ready, /healthz/ready?verbose or /healthz/live\n' };
  const { ready, checks, notes = {} } = readiness();
  const head = ready ? 'ready\n' : 'not ready\n';
  const lines = Object.entries(checks).map(([name, check]) => `[${check.ok ? '+' : '-'}] ${name}: ${check.detail}\n`);
  lines.push(...Object.entries(notes).map(([name, text]) => `[i] ${name}: ${text}\n`));
  const verbose = url.searchParams.has('verbose') || !ready;
  return { status: ready ? 200 : 503, body: verbose ? lines.join('') + head : head };
}
