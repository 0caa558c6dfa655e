import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { AdminLog } from '../../../admin/log.ts';
import { type AdminOptions, type AdminServer, startAdmin } from '../../../admin/server.ts';
import { FakeBackend } from './fake-backend.ts';

/** A folder of its own that is removed after the test. */
export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'mg-admin-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Keeps what is logged, as a log file would hold it. */
export function recordingLog(): AdminLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const note = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
  return { lines, info: note, warn: note, error: note };
}

export type TestAdmin = {
  readonly server: AdminServer;
  readonly port: number;
  readonly backend: FakeBackend;
  readonly token: string;
  readonly socket: string;
  readonly dir: string;
  readonly log: ReturnType<typeof recordingLog>;
};

/** The admin server on a free port and a socket of its own, before a fake backend. */
export async function startTestAdmin(t: TestContext, more: Partial<AdminOptions['admin']> = {}): Promise<TestAdmin> {
  const dir = temporaryDir(t);
  const backend = new FakeBackend();
  const log = recordingLog();
  const socket = path.join(dir, 'run', 'admin.sock');
  const server = await startAdmin({
    admin: { address: '127.0.0.1', port: 0, socket, ...more },
    stateDir: path.join(dir, 'state'),
    backend,
    programVersion: '0.1.0',
    log,
  });
  t.after(() => server.close());
  const port = await server.listen();
  return { server, port, backend, token: readFileSync(server.tokenFile, 'utf8').trim(), socket, dir, log };
}

export type Reply = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
};

export type Ask = {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  /** Sent as it is when it is a string, else as JSON. */
  readonly body?: unknown;
};

/** One request over TCP, without the token unless the headers bring it. */
export function overTcp(admin: TestAdmin, target: string, ask: Ask = {}): Promise<Reply> {
  return send(http.request({ ...common(target, ask), host: '127.0.0.1', port: admin.port }), ask);
}

/** The same over TLS, whatever the Host says the certificate is checked for `servername`. */
export function overTls(
  admin: TestAdmin,
  target: string,
  ask: Ask & { readonly ca: string; readonly servername: string },
): Promise<Reply> {
  const { ca, servername } = ask;
  const options = { ...common(target, ask), host: '127.0.0.1', port: admin.port, ca, servername };
  return send(https.request(options), ask);
}

/** One request over the unix socket. */
export function overUnix(admin: TestAdmin, target: string, ask: Ask = {}): Promise<Reply> {
  return send(http.request({ ...common(target, ask), socketPath: admin.socket }), ask);
}

export function bearer(admin: TestAdmin): { authorization: string } {
  return { authorization: `Bearer ${admin.token}` };
}

function common(target: string, ask: Ask): http.RequestOptions {
  const type = ask.body === undefined ? {} : { 'content-type': 'application/json' };
  return { method: ask.method ?? 'GET', path: target, headers: { ...type, ...ask.headers }, agent: false };
}

function send(request: http.ClientRequest, ask: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text) as Record<string, unknown>,
        }),
      );
    });
    request.end(ask.body === undefined || typeof ask.body === 'string' ? ask.body : JSON.stringify(ask.body));
  });
}

/** Code and message of an error body. */
export function errorOf(reply: Reply): { code: string; message: string; details?: Record<string, unknown> } {
  return reply.json()['error'] as { code: string; message: string; details?: Record<string, unknown> };
}
