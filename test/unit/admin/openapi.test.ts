import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { overUnix, type Reply, startTestAdmin, type TestAdmin } from './admin-kit.ts';

type Operation = { responses: Record<string, { content: Record<string, { schema: object }> }>; parameters?: unknown[] };
type Document = { openapi: string; paths: Record<string, Record<string, Operation>>; components: { schemas: object } };

const routes = [
  ['get', '/api/v1/certificates'],
  ['get', '/api/v1/clusters'],
  ['get', '/api/v1/endpoints'],
  ['get', '/api/v1/kinds'],
  ['get', '/api/v1/listeners'],
  ['get', '/api/v1/nodes'],
  ['get', '/api/v1/objects/{kind}/{namespace}/{name}'],
  ['get', '/api/v1/problems'],
  ['get', '/api/v1/routes'],
  ['get', '/api/v1/status'],
  ['get', '/api/v1/traffic/{namespace}/{virtualservice}'],
  ['put', '/api/v1/traffic/{namespace}/{virtualservice}'],
  ['get', '/api/v1/workers'],
  ['get', '/openapi.json'],
] as const;

test('the OpenAPI document has every route, and every reference in it leads somewhere', async (t) => {
  const document = await openApi(await startTestAdmin(t));
  const found = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => [method, path]),
  );
  assert.equal(document.openapi, '3.1.0');
  assert.deepEqual(
    found.sort((a, b) => `${a[1]}${a[0]}`.localeCompare(`${b[1]}${b[0]}`)),
    [...routes],
  );
  const names = Object.keys(document.components.schemas);
  for (const [, name = ''] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g))
    assert.ok(names.includes(name), name);
  const ids = Object.values(document.paths).flatMap((item) =>
    Object.values(item).map((operation) => Reflect.get(operation, 'operationId')),
  );
  assert.equal(new Set(ids).size, ids.length);
});

test('every response conforms to the schema that the document gives for its status', async (t) => {
  const admin = await startTestAdmin(t);
  const document = await openApi(admin);
  const conforms = validator(document);
  for (const [method, path] of routes) {
    if (method === 'put' || path === '/openapi.json') continue;
    conforms(
      method,
      path,
      await overUnix(admin, path.replace('{namespace}', 'default').replace('{virtualservice}', 'myapp')),
    );
  }
  const traffic = '/api/v1/traffic/{namespace}/{virtualservice}';
  const put = (body: unknown, name = 'myapp') =>
    overUnix(admin, `/api/v1/traffic/default/${name}`, { method: 'PUT', body });
  conforms('put', traffic, await put({ weights: { v1: 90, v2: 10 } }));
  conforms('put', traffic, await put({ weights: { v1: -1 } }));
  conforms('put', traffic, await put({ weights: { v1: 1 } }, 'other'));
  admin.backend.refusal = { ok: false, kind: 'timeout', message: 'not confirmed', version: 9, servedVersion: 8 };
  conforms('put', traffic, await put({ weights: { v1: 1 } }));
  conforms('get', traffic, await overUnix(admin, '/api/v1/traffic/default/other'));
  admin.backend.served = undefined;
  conforms('get', '/api/v1/status', await overUnix(admin, '/api/v1/status'));
});

async function openApi(admin: TestAdmin): Promise<Document> {
  return (await overUnix(admin, '/openapi.json')).json() as unknown as Document;
}

function validator(document: Document): (method: string, path: string, reply: Reply) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  return (method, path, reply) => {
    const responses = document.paths[path]?.[method]?.responses ?? {};
    const status = String(reply.status) in responses ? String(reply.status) : 'default';
    const pointer = ['paths', path, method, 'responses', status, 'content', 'application/json', 'schema'];
    const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = ajv.getSchema(`api#/${escaped.join('/')}`);
    assert.ok(validate, `${method} ${path} ${status} has a schema`);
    assert.ok(validate(reply.json()), `${method} ${path} ${reply.status}: ${ajv.errorsText(validate.errors)}`);
  };
}
