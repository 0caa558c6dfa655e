import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiStatus, NoSuchPath, noSuchResource } from './api-status.ts';
import type { AuditEntry, AuditLog } from './audit-log.ts';
import { authenticate } from './authentication.ts';
import { readBody } from './body.ts';
import type { ClusterState } from './cluster-state.ts';
import { type Document, discoveryDocument } from './discovery.ts';
import { type Fault, type Faults, pause, type Seen, statusOf } from './faults.ts';
import { ANONYMOUS, type Tokens, type User, unauthorized } from './identity.ts';
import { OPENAPI_V2_MEDIA_TYPE, openApiV2, openApiV2Json, openApiV3, openApiV3Index } from './openapi.ts';
import { perform } from './perform.ts';
import { type Attributes, forbidden, isAllowed } from './rbac.ts';
import { findTarget, parseResourcePath, type ResourcePath, type Verb, verbOf } from './request-target.ts';
import type { Watcher } from './watch.ts';
import { sendBytes, sendFailure, sendJson } from './wire.ts';
import type { Writes } from './writes.ts';

/** What requests are handled with. */
export type RequestContext = {
  readonly state: ClusterState;
  readonly writes: Writes;
  readonly watchers: Set<Watcher>;
  readonly tokens: Tokens;
  readonly faults: Faults;
  readonly audit: AuditLog;
  readonly rbac: 'off' | 'enforced';
  readonly minTokenSeconds: number;
};

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: unknown;
  readonly path: ResourcePath | undefined;
  readonly verb: Verb;
};

/** The life of a request: ordered faults, who it is, may they, then what it asks. Never throws. */
export async function handleRequest(
  context: RequestContext,
  door: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const exchange = await readExchange(request, response);
    const faults = context.faults.meeting({ ...seenOf(exchange), door });
    if (await suffer(context.audit, faults, exchange)) return;
    answer(context, exchange, faults);
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy();
    else sendFailure(response, isRefusal(error) ? error : internalError(error));
  }
}

async function readExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const url = new URL(request.url ?? '/', 'https://api');
  const body = await readBody(request);
  const path = resourcePathOf(url.pathname);
  const verb = path === undefined ? 'get' : verbOf(request.method ?? 'GET', path, url.searchParams);
  return { request, response, url, body, path, verb };
}

/** `/apis/GROUP/VERSION` has the form of a resource path too short to name a resource. */
function resourcePathOf(pathname: string): ResourcePath | undefined {
  return parseResourcePath(pathname.replace(/\/$/, ''));
}

function seenOf({ verb, path, url }: Exchange): Omit<Seen, 'door'> {
  if (path === undefined) return { verb, resource: '', namespace: '', path: url.pathname };
  const resource = path.group === '' ? path.plural : `${path.plural}.${path.group}`;
  return { verb, resource, namespace: path.namespace ?? '', path: url.pathname };
}

/** What the audit log keeps of a request, whoever sent it; discovery has no resource. */
function auditOf({ verb, path }: Exchange): Omit<AuditEntry, 'user' | 'code'> {
  const { group = '', plural: resource = '', subresource = '', namespace = '', name = '' } = path ?? {};
  return { verb, group, resource, subresource, namespace, name };
}

/** Plays the faults that come before the server's own work; true when nothing is left to answer. */
async function suffer(audit: AuditLog, faults: readonly Fault[], exchange: Exchange): Promise<boolean> {
  const { response } = exchange;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const fault of faults) {
    if (fault.kind === 'hang') return true;
    if (fault.kind === 'page') return answerOf(response, 'text/html; charset=utf-8', '<html>Welcome</html>');
    if (fault.kind === 'foreign json') return answerOf(response, 'application/json', '{"status":"ok"}');
    if (fault.kind === 'delay') await pause(fault.delayMs, gone.signal);
    if (fault.kind !== 'status') continue;
    audit.add({ ...auditOf(exchange), user: '', code: fault.status });
    throw statusOf(fault.status, fault);
  }
  return gone.signal.aborted;
}

function answerOf(response: ServerResponse, type: string, text: string): true {
  sendBytes(response, 200, Buffer.from(text), { 'Content-Type': type });
  return true;
}

function answer(context: RequestContext, exchange: Exchange, faults: readonly Fault[]): void {
  const user = authenticate(context.state, context.tokens, exchange.request);
  if (context.rbac === 'off' && user === ANONYMOUS) throw unauthorized();
  if (exchange.path === undefined) answerPath(context, exchange, user, faults);
  else answerResource(context, exchange, exchange.path, user, faults);
}

function answerPath(
  context: RequestContext,
  { request, response, url }: Exchange,
  user: User,
  faults: readonly Fault[],
): void {
  authorize(context, user, { kind: 'path', verb: 'get', path: url.pathname });
  if (/^\/(healthz|livez|readyz)$/.test(url.pathname)) {
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok');
    return;
  }
  const { pathname } = url;
  if (pathname === '/openapi/v2' && (request.headers.accept ?? '').includes('protobuf')) {
    sendBytes(response, 200, openApiV2(context.state), { 'Content-Type': OPENAPI_V2_MEDIA_TYPE });
    return;
  }
  const description = openApiDocument(context.state, pathname);
  if (description !== undefined) return sendJson(response, 200, description);
  const document = discoveryDocument(context.state, url.pathname.replace(/\/$/, ''), {
    accept: request.headers.accept ?? '',
    stale: groupsOf(faults, 'stale group'),
    unlisted: groupsOf(faults, 'unlisted group'),
  });
  if (document === undefined) throw noSuchResource();
  sendDocument(request, response, document);
}

function groupsOf(faults: readonly Fault[], kind: 'stale group' | 'unlisted group'): ReadonlySet<string> {
  return new Set(faults.flatMap((fault) => (fault.kind === kind ? [fault.group] : [])));
}

/** What a client has already is not sent again; the old forms of discovery cannot tell. */
function sendDocument(request: IncomingMessage, response: ServerResponse, { body, mediaType }: Document): void {
  if (!mediaType.includes('APIGroupDiscoveryList')) return sendJson(response, 200, body, { 'Content-Type': mediaType });
  const etag = `"${hash('sha512', JSON.stringify(body)).toUpperCase()}"`;
  const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' };
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
  else sendJson(response, 200, body, { ...headers, 'Content-Type': mediaType });
}

function openApiDocument(state: ClusterState, pathname: string): unknown {
  if (pathname === '/openapi/v2') return openApiV2Json(state);
  if (!state.features.openApiV3) return undefined;
  if (pathname === '/openapi/v3') return openApiV3Index(state);
  return pathname.startsWith('/openapi/v3/') ? openApiV3(state, pathname.slice('/openapi/v3/'.length)) : undefined;
}

function answerResource(
  context: RequestContext,
  exchange: Exchange,
  path: ResourcePath,
  user: User,
  faults: readonly Fault[],
): void {
  const { request, response, url, body, verb } = exchange;
  const log = (code: number) => context.audit.add({ ...auditOf(exchange), user: user.name, code });
  try {
    authorize(context, user, { kind: 'resource', ...auditOf(exchange) });
    const target = findTarget(context.state.catalogue, path);
    perform(context, { verb, target, query: url.searchParams, request, response, body, user, faults });
    log(response.statusCode);
  } catch (error) {
    log(codeOf(error));
    throw error;
  }
}

function authorize({ rbac, state }: RequestContext, user: User, attributes: Attributes): void {
  if (rbac === 'enforced' && !isAllowed(state, user, attributes)) throw forbidden(user, attributes);
}

function isRefusal(error: unknown): error is ApiStatus | NoSuchPath {
  return error instanceof ApiStatus || error instanceof NoSuchPath;
}

function codeOf(error: unknown): number {
  if (error instanceof ApiStatus) return error.status.code ?? 500;
  return error instanceof NoSuchPath ? 404 : 500;
}

function internalError(error: unknown): ApiStatus {
  return new ApiStatus(
    500,
    'InternalError',
    `Internal error occurred: ${error instanceof Error ? error.stack : String(error)}`,
  );
}
