import type { RouteOptions } from 'fastify';

declare module 'fastify' {
  interface FastifySchema {
    /** One line for the OpenAPI document. */
    summary?: string;
  }
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Operation = { readonly [key: string]: Json };

const ERROR_REF = '#/components/schemas/Error';

/**
 * The OpenAPI 3.1 document of the routes as they are registered. The schemas are the ones that validate; those
 * with a title become components.
 */
export function openApiDocument(routes: readonly RouteOptions[], programVersion: string, errorSchema: object): object {
  const components: Record<string, Json> = {};
  place(toJson(errorSchema), components);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue;
      (paths[path] ??= {})[method.toLowerCase()] = operation(route, components);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mesh-gateway admin API',
      version: programVersion,
      description:
        'Over TCP every request needs the bearer token of the file admin-token in the state directory; the unix socket needs none.',
    },
    paths,
    components: { schemas: components, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  };
}

function operation(route: RouteOptions, components: Record<string, Json>): Operation {
  const {
    summary = '',
    body,
    response = {},
  } = (route.schema ?? {}) as {
    summary?: string;
    body?: object;
    response?: Record<string, object>;
  };
  return {
    summary,
    operationId: `${[route.method].flat().join('')}${route.url}`.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase(),
    ...(route.url.includes(':') ? { parameters: parametersOf(route.url) } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: jsonContent(place(toJson(body), components)) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(response).map(([status, schema]) => [
          status,
          { description: describeStatus(Number(status)), content: jsonContent(place(toJson(schema), components)) },
        ]),
      ),
      default: { description: 'Any error', content: jsonContent({ $ref: ERROR_REF }) },
    },
  };
}

function parametersOf(url: string): Json {
  return [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function jsonContent(schema: Json): Json {
  return { 'application/json': { schema } };
}

const descriptions: Readonly<Record<number, string>> = {
  200: 'Success',
  403: 'The source object cannot be written, or a web page of another origin asked',
  404: 'No such object',
  409: 'The object is quarantined, changed meanwhile, or its new form cannot be served',
  412: 'If-Match names another version of the object',
  422: 'The request does not fit the object; nothing was changed',
  504: 'Written, but not confirmed by every worker in time',
};

function describeStatus(status: number): string {
  return descriptions[status] ?? 'Response';
}

/** Replaces every schema with a title by a reference and puts it among the components. */
function place(schema: Json, components: Record<string, Json>): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => place(item, components));
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, place(value, components)]));
  const { title } = copy;
  if (typeof title !== 'string') return copy;
  components[title] = copy;
  return { $ref: `#/components/schemas/${title}` };
}

/** Drops what the schema builder keeps beside the JSON. */
function toJson(schema: object): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}
