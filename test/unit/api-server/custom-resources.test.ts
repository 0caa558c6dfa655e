import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller } from '#test/kit/api-server/caller.ts';

const PATH = '/apis/a.example/v1/namespaces/default/things';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

describe('custom resources with a structural schema', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start({ definitions: [definition] });
    caller = new Caller(server);
  });
  after(async () => {
    caller.close();
    await server.stop();
  });

  const create = (name: string, spec: unknown, query = '') =>
    caller.call('POST', `${PATH}${query}`, {
      body: { apiVersion: 'a.example/v1', kind: 'Thing', metadata: { name }, spec },
    });

  it('lose the fields that it does not know, with a warning, and keep those where it says so', async () => {
    const { body, headers } = await create('pruned', { size: 1, sise: 2, open: { any: { thing: 1 } } });
    assert.deepEqual(body['spec'], { size: 1, colour: 'blue', open: { any: { thing: 1 } } });
    assert.equal(headers['warning'], '299 - "unknown field \\"spec.sise\\""');
  });

  it('are refused for unknown fields where the client is strict', async () => {
    const { status, body } = await create('strict', { size: 1, sise: 2 }, '?fieldValidation=Strict');
    assert.equal(status, 400);
    assert.match(body.message, /strict decoding error: unknown field "spec\.sise"/);
  });

  it('are refused for values that the schema forbids, each with its place', async () => {
    const { status, body } = await create('invalid', { size: 'big', colour: 'green' });
    assert.deepEqual([status, body.reason], [422, 'Invalid']);
    const causes = (body['details'] as { causes: { field: string }[] }).causes;
    assert.deepEqual(causes.map((cause) => cause.field).sort(), ['spec.colour', 'spec.size']);
  });

  it('are shown in the columns of their definition', async () => {
    await create('shown', { size: 7 });
    const { body } = await caller.call('GET', `${PATH}/shown`, { accept: TABLE });
    assert.deepEqual(
      (body['columnDefinitions'] as { name: string }[]).map((column) => column.name),
      ['Name', 'Size', 'Age'],
    );
    const [row] = body['rows'] as { cells: unknown[] }[];
    assert.deepEqual(row?.cells.slice(0, 2), ['shown', 7]);
  });
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.a.example' },
  spec: {
    group: 'a.example',
    names: { plural: 'things', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  colour: { type: 'string', enum: ['blue', 'red'], default: 'blue' },
                  open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        },
      },
    ],
  },
};
