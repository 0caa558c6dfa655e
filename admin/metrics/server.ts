/**
 * Promises the Prometheus text of this appliance on `/stats/prometheus` and `/metrics`, all workers in one.
 * Never measures anything itself and never touches traffic: it asks every process for its statistics at a scrape.
 * Called by the control role.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { Registry } from 'prom-client';
import type { AdminLog } from '../log.ts';
import type { AdminBackend } from '../views.ts';
import { applianceFamilies } from './appliance-families.ts';
import { register } from './families.ts';
import { type Statistics, toStatistics } from './input.ts';
import { TrafficLedger } from './ledger.ts';
import { processFamilies } from './process-families.ts';
import type { TrafficTotals } from './totals.ts';
import { trafficFamilies, workerFamilies } from './traffic-families.ts';
import { trafficText } from './traffic-text.ts';

export type MetricsOptions = {
  readonly address: string;
  readonly port: number;
  readonly backend: AdminBackend;
  readonly programVersion: string;
  readonly log: AdminLog;
  /** Keeps the totals of dead workers over a restart of control; in the runtime directory. */
  readonly ledgerFile?: string;
};

export type MetricsServer = {
  /** The port in use (settings may say 0). */
  readonly port: number;
  close(): Promise<void>;
};

const PATHS: ReadonlySet<string> = new Set(['/stats/prometheus', '/metrics']);
const serverOptions = {
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 64;

/** Characters that are written at once. */
const CHUNK = 64 * 1024;

/** Opens the metrics port; rejects with one sentence when it cannot be used. */
export async function startMetrics(options: MetricsOptions): Promise<MetricsServer> {
  const collect = createCollector(options);
  const server = http.createServer(serverOptions, (request, response) => {
    answer(request, response, collect).catch((error: NodeJS.ErrnoException) => {
      // Whoever asked has gone.
      if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
      options.log.error({ err: error }, 'metrics could not be rendered');
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(500, { 'content-type': 'text/plain' })
          .end('the metrics could not be rendered; the log says why\n');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  collect: () => Promise<Page>,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const plain = { 'content-type': 'text/plain; charset=utf-8' };
  if (!PATHS.has(path)) {
    response.writeHead(404, plain).end(`metrics are at ${[...PATHS].join(' and ')}\n`);
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...plain, allow: 'GET, HEAD' }).end('only GET and HEAD\n');
  } else {
    const page = await collect();
    response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE });
    if (request.method === 'HEAD') response.end();
    else await pipeline(textOf(page), response);
  }
}

/** What one collection found: families of few samples, printed, and the traffic of all destinations. */
type Page = { readonly families: string; readonly totals: TrafficTotals };

/** A page of ten thousand destinations is hundreds of megabytes: nobody holds all of it, and the loop goes on between. */
async function* textOf({ families, totals }: Page): AsyncGenerator<string> {
  yield families;
  let chunk = '';
  for (const piece of trafficText(totals)) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
    await setImmediate();
  }
  yield chunk;
}

/** Scrapes that overlap share one collection, so that several Prometheus servers cost no more than one. */
function createCollector(options: MetricsOptions): () => Promise<Page> {
  const ledger = new TrafficLedger(options.ledgerFile);
  let running: Promise<Page> | undefined;
  return () => {
    running ??= collectPage(options, ledger).finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function collectPage({ backend, programVersion }: MetricsOptions, ledger: TrafficLedger): Promise<Page> {
  const { processes } = await backend.collect();
  const statistics = processes.map((process) => toStatistics(process.statistics)).filter((one) => one !== undefined);
  ledger.update(statistics, new Set(backend.workers().map(({ pid }) => pid)));
  const newest = newestOfEach(statistics);
  const totals = ledger.totals();
  const registry = new Registry();
  register(registry, [
    ...trafficFamilies(totals),
    ...workerFamilies(newest),
    ...applianceFamilies(backend, programVersion),
    ...processFamilies(newest),
  ]);
  return { families: await registry.metrics(), totals };
}

/** While a worker is replaced, two processes share an index; the younger one stands for it. */
function newestOfEach(statistics: readonly Statistics[]): Statistics[] {
  const byAge = [...statistics].sort((a, b) => a.process.startTimeSeconds - b.process.startTimeSeconds);
  return [...new Map(byAge.map((one) => [`${one.role}/${one.index ?? ''}`, one])).values()];
}

function listen(server: http.Server, { address, port }: MetricsOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const why =
        error.code === 'EADDRINUSE' ? 'it is in use: stop the other program or set metrics.port' : error.message;
      reject(new Error(`Metrics cannot be served on ${address} port ${port}: ${why}.`, { cause: error }));
    };
    server.once('error', fail);
    server.listen({ host: address, port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}
