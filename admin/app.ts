import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type RouteOptions } from 'fastify';
import { ApiError, type ErrorCode, errorBody } from './api/errors.ts';
import { openApiDocument } from './api/openapi.ts';
import { errorSchema } from './api/schemas.ts';
import { explainValidation } from './api/validation.ts';
import type { Guard } from './auth/guard.ts';
import type { AdminLog } from './log.ts';
import { registerLists } from './routes/lists.ts';
import { registerObjects } from './routes/objects.ts';
import { registerStatus } from './routes/status.ts';
import { registerTraffic } from './routes/traffic.ts';
import type { Actor, AdminBackend } from './views.ts';

const BODY_BYTES = 64 * 1024;

export type AppOptions = {
  readonly backend: AdminBackend;
  readonly programVersion: string;
  readonly guard: Guard;
  /** True for requests that came through the unix socket: they need no guard. */
  readonly isLocal: (request: IncomingMessage) => boolean;
  readonly log: AdminLog;
};

/** The admin API without its sockets: routes, guard, validation, and one shape for every error. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    // Nothing is coerced, dropped or filled in: what does not fit is refused.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true } },
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, toApiError(error, options.log));
    },
  });
  app.removeContentTypeParser('text/plain');
  // Responses are built field by field and their conformance is tested; a serializer that throws at run time is no help.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (!options.isLocal(request.raw)) options.guard(request.raw);
  });
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) =>
    sendError(reply, toApiError(error, options.log, request.body)),
  );
  app.setNotFoundHandler((request) => {
    throw unknownRoute(request.method, request.url, routes);
  });
  registerStatus(app, options.backend, options.programVersion);
  registerLists(app, options.backend);
  registerObjects(app, options.backend);
  registerTraffic(app, { backend: options.backend, log: options.log, actorOf: actorOf(options.isLocal) });
  app.get('/openapi.json', { schema: { summary: 'This document' } }, () => document);
  await app.ready();
  const document = openApiDocument(routes, options.programVersion, errorSchema);
  return app;
}

function actorOf(isLocal: AppOptions['isLocal']): (raw: IncomingMessage) => Actor {
  return (raw) => {
    const address = raw.socket.remoteAddress;
    if (isLocal(raw)) return { via: 'unix-socket' };
    return address === undefined ? { via: 'token' } : { via: 'token', address };
  };
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  413: 'payload-too-large',
  415: 'unsupported-media-type',
};

function toApiError(error: FastifyError | ApiError, log: AdminLog, body?: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error.validation !== undefined) {
    const reasons = explainValidation(error.validation, body);
    return new ApiError('invalid', `${reasons.join('; ')}. Nothing was changed.`, { details: { reasons } });
  }
  const status = error.statusCode ?? 500;
  if (status < 500) return new ApiError(codeOfStatus[status] ?? 'bad-request', error.message);
  log.error({ err: error }, 'admin request failed');
  return new ApiError('internal', 'The admin API failed on this request; the log says why.');
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  return reply
    .code(error.status)
    .headers(error.headers)
    .type('application/json; charset=utf-8')
    .send(errorBody(error.code, error.message, error.details));
}

function unknownRoute(method: string, url: string, routes: readonly RouteOptions[]): ApiError {
  const path = url.split('?', 1)[0] ?? url;
  const allowed = new Set(routes.filter((route) => matches(route.url, path)).flatMap((route) => route.method));
  if (allowed.size === 0) {
    return new ApiError('not-found', `There is nothing at ${path}; /openapi.json lists what there is.`);
  }
  const allow = [...allowed].join(', ');
  return new ApiError('method-not-allowed', `${path} takes ${allow}, not ${method}.`, { headers: { allow } });
}

function matches(pattern: string, path: string): boolean {
  const source = pattern.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+');
  return new RegExp(`^${source}$`).test(path);
}
