/**
 * Reading and moving the weights of one VirtualService. A PUT answers after every worker of this node serves the
 * new weights, and changes nothing when it is refused. What needs the object is checked by the backend.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { parseEntityTags } from '../api/entity-tags.ts';
import { ApiError, type ErrorCode } from '../api/errors.ts';
import {
  errorSchema,
  type ShiftBody,
  type ShiftResultItem,
  shiftResultSchema,
  shiftSchema,
  type TrafficItem,
  trafficSchema,
} from '../api/schemas.ts';
import type { AdminLog } from '../log.ts';
import type { Actor, AdminBackend, ShiftRefusal, ShiftRequest, ShiftResult, TrafficView } from '../views.ts';

const PATH = '/api/v1/traffic/:namespace/:virtualservice';
type Params = { readonly namespace: string; readonly virtualservice: string };
type ShiftOptions = {
  readonly backend: AdminBackend;
  readonly log: AdminLog;
  readonly actorOf: (raw: IncomingMessage) => Actor;
};

export function registerTraffic(app: FastifyInstance, options: ShiftOptions): void {
  const { backend } = options;
  app.get<{ Params: Params }>(
    PATH,
    { schema: { summary: 'Weights of one VirtualService', response: { 200: trafficSchema, 404: errorSchema } } },
    (request, reply) => {
      const view = backend.traffic(request.params.namespace, request.params.virtualservice);
      if (view === undefined) throw notFound(request.params);
      void reply.header('etag', view.etag);
      if (isFresh(request.headers['if-none-match'], view.etag)) return reply.code(304).send();
      return trafficItem(view);
    },
  );
  app.put<{ Params: Params; Body: ShiftBody }>(
    PATH,
    {
      schema: {
        summary: 'Shift traffic: new weights, served by every worker of this node when the answer comes',
        body: shiftSchema,
        response: {
          200: shiftResultSchema,
          403: errorSchema,
          404: errorSchema,
          409: errorSchema,
          412: errorSchema,
          422: errorSchema,
          503: errorSchema,
          504: errorSchema,
        },
      },
    },
    async (request, reply) => {
      const shift = toRequest(request.params, request.body, request.headers['if-match'], options.actorOf(request.raw));
      const outcome = await backend.shift(shift);
      options.log[outcome.ok ? 'info' : 'warn']({ shift, outcome }, outcome.ok ? 'traffic shifted' : 'shift refused');
      return outcome.ok ? accepted(outcome, reply) : refuse(outcome);
    },
  );
}

function toRequest(params: Params, body: ShiftBody, ifMatch: string | undefined, actor: Actor): ShiftRequest {
  const { route, weights, reason } = body;
  if (Object.values(weights).every((weight) => weight === 0)) {
    throw new ApiError(
      'invalid',
      'The weights sum to 0, so no destination would get any traffic. Nothing was changed.',
    );
  }
  return {
    namespace: params.namespace,
    virtualService: params.virtualservice,
    ...(route === undefined ? {} : { route: String(route) }),
    weights,
    ...(reason === undefined ? {} : { reason }),
    ...(ifMatch === undefined ? {} : { ifMatch: entityTags(ifMatch) }),
    actor,
  };
}

/** RFC 9110 §13.1.1: If-Match compares strongly, so weak tags match nothing. */
function entityTags(header: string): string[] {
  const tags = parseEntityTags(header);
  if (tags === undefined) throw new ApiError('bad-request', 'If-Match must be * or a list of quoted entity tags.');
  return tags.filter((tag) => !tag.startsWith('W/'));
}

function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? undefined : parseEntityTags(ifNoneMatch);
  return tags?.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag) ?? false;
}

function accepted(result: ShiftResult, reply: FastifyReply): ShiftResultItem {
  void reply.header('etag', result.etag);
  return {
    namespace: result.namespace,
    virtualService: result.virtualService,
    route: result.route,
    before: { ...result.before },
    weights: { ...result.weights },
    changed: result.changed,
    etag: result.etag,
    version: result.version,
    node: result.node,
    workers: [...result.workers],
    ...(result.source === undefined ? {} : { source: result.source }),
    warnings: [...result.warnings],
  };
}

function refuse(refusal: ShiftRefusal): never {
  const { kind, message, validKeys, routes, etag, current, version, servedVersion } = refusal;
  const code: ErrorCode = kind;
  const details = definedOnly({ validKeys, routes, etag, current, version, servedVersion });
  const headers = etag === undefined ? {} : { etag };
  throw new ApiError(code, message, Object.keys(details).length === 0 ? { headers } : { headers, details });
}

function definedOnly(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function notFound({ namespace, virtualservice }: Params): ApiError {
  return new ApiError('not-found', `There is no VirtualService ${namespace}/${virtualservice}.`);
}

function trafficItem(view: TrafficView): TrafficItem {
  return {
    namespace: view.namespace,
    virtualService: view.virtualService,
    ...(view.source === undefined ? {} : { source: view.source }),
    etag: view.etag,
    version: view.version,
    warnings: [...view.warnings],
    routes: view.routes.map(({ route, index, name, destinations }) => ({
      route,
      index,
      ...(name === undefined ? {} : { name }),
      destinations: destinations.map(({ key, host, subset, port, weight }) => ({
        key,
        host,
        ...(subset === undefined ? {} : { subset }),
        ...(port === undefined ? {} : { port }),
        weight,
      })),
    })),
  };
}
