import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { stringify } from 'yaml';
import { makeCa, type TestCa } from '#test/kit/certificates.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

export type StubRequest = {
  readonly method: string;
  readonly url: string;
  readonly token?: string;
  readonly body: string;
};

/** Answers one request; the raw pair is there for streams. */
export type StubHandler = (request: StubRequest, response: ServerResponse, raw: IncomingMessage) => void;

let shared: Promise<TestCa> | undefined;

/** The authority of all stub servers of one test file. */
export function stubCa(): Promise<TestCa> {
  shared ??= makeCa('stub cluster CA');
  return shared;
}

export type StubOptions = {
  /** In its certificate. */
  readonly names?: readonly string[];
  readonly ca?: TestCa;
  readonly address?: string;
  readonly port?: number;
};

/** An HTTPS server that answers as told and writes down what was asked. */
export class StubServer {
  readonly requests: StubRequest[] = [];
  /** Subjects of the client certificates that came. */
  readonly clients: string[] = [];
  handler: StubHandler = (_request, response) => respond(response, 200, {});
  readonly #server: https.Server;

  private constructor(server: https.Server) {
    this.#server = server;
    server.on('request', (raw, response) => void this.#answer(raw, response));
  }

  static async start(options: StubOptions = {}): Promise<StubServer> {
    const ca = options.ca ?? (await stubCa());
    const { certificatePem, privateKeyPem } = await ca.issue({ names: options.names ?? ['127.0.0.1'] });
    const server = https.createServer({
      cert: certificatePem,
      key: privateKeyPem,
      ca: ca.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(options.port ?? 0, options.address ?? '127.0.0.1');
    await once(server, 'listening');
    return new StubServer(server);
  }

  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of raw) body += String(chunk);
    const token = raw.headers.authorization?.replace('Bearer ', '');
    const peer = (raw.socket as TLSSocket).getPeerCertificate();
    if (typeof peer.subject?.CN === 'string') this.clients.push(peer.subject.CN);
    const request = { method: raw.method ?? '', url: raw.url ?? '', body, ...(token !== undefined && { token }) };
    this.requests.push(request);
    this.handler(request, response, raw);
  }
}

export function respond(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** The answer of an API server that refuses. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  respond(
    response,
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `said ${reason}` },
    headers,
  );
}

/** A kubeconfig file with one context; gone with the test. */
export function writeKubeconfig(
  context: TestContext,
  cluster: Record<string, unknown>,
  user: Record<string, unknown> = { token: 'first-token' },
): string {
  const file = path.join(temporaryFolder(context), 'kubeconfig');
  writeFileSync(file, kubeconfigText(cluster, user));
  return file;
}

export function kubeconfigText(cluster: Record<string, unknown>, user: Record<string, unknown>): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'here', user: 'node' } }],
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'node', user }],
  });
}
