/**
 * The temporary folder of a run, with a certificate, the backend that all peers proxy to, and free ports.
 * `close` ends what runs and removes what was written, also on Ctrl-C.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '#test/kit/eventually.ts';
import { freePorts } from '#test/kit/ports.ts';
import { killAll, loadCore, startPinned } from './process-tree.ts';

export type Certificate = { readonly certificate: string; readonly key: string; readonly both: string };

export type Workshop = {
  readonly folder: string;
  /** On a file system in memory, as the runtime directory of a service is; elsewhere, where there is none. */
  readonly memoryFolder: string;
  readonly certificate: Certificate;
  /** The backend listens here on 127.0.0.1 and on 127.0.0.2: two endpoints where a split needs them. */
  readonly backendPort: number;
  readonly backendPid: number | undefined;
  close(): void;
};

const MEMORY = '/dev/shm';

export async function openWorkshop(): Promise<Workshop> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-bench-'));
  const memoryFolder = mkdtempSync(path.join(existsSync(MEMORY) ? MEMORY : folder, 'mesh-gateway-bench-'));
  const close = (): void => {
    killAll();
    for (const place of [folder, memoryFolder]) rmSync(place, { recursive: true, force: true, maxRetries: 3 });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      close();
      process.exit(130);
    });
  }
  const backendPort = await freePort();
  try {
    const { pid: backendPid } = startBackend(folder, backendPort);
    await answers(`http://127.0.0.1:${backendPort}/`, 'the backend');
    return { folder, memoryFolder, certificate: makeCertificate(folder), backendPort, backendPid, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Waits for the first 200; asks seldom, so that asking takes little from those who start. */
export async function answers(url: string, what: string): Promise<void> {
  await eventually(async () => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).status === 200, {
    timeoutMs: 60_000,
    everyMs: 50,
    what: `${what} answers on ${url}`,
  });
}

function startBackend(folder: string, port: number): ChildProcess {
  const text = 'hello from the backend, v1: 0123456789012345678901234567890123456789012345678901234567890123456789\\n';
  const config = path.join(folder, 'backend.conf');
  writeFileSync(
    config,
    `user root; worker_processes 1; daemon off; pid ${folder}/backend.pid; error_log ${folder}/backend.err;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  server { listen 127.0.0.1:${port} backlog=4096; listen 127.0.0.2:${port} backlog=4096;
    location / { default_type text/plain; return 200 "${text}"; } } }
`,
  );
  return startPinned(loadCore, ['nginx', '-c', config], path.join(folder, 'backend.out'));
}

function makeCertificate(folder: string): Certificate {
  const [certificate, key, both] = ['certificate.pem', 'key.pem', 'both.pem'].map((name) => path.join(folder, name));
  if (certificate === undefined || key === undefined || both === undefined) throw new Error('unreachable');
  const request = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${certificate} && cat ${certificate} ${key} > ${both}`;
  execFileSync('sh', ['-c', request], { stdio: 'ignore' });
  return { certificate, key, both };
}
