import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog } from '#gateway/control/resource/catalog/catalog.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import type { Resource } from '#gateway/control/resource/resource.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';

function gatewayIn(file: string, labels: object, port = 80): Resource {
  const server = { port: { number: port, name: 'http', protocol: 'HTTP' }, hosts: ['*'] };
  const object = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: 'default', labels },
    spec: { selector: { istio: 'ingressgateway' }, servers: [server] },
  };
  const { resource } = readObject(plainDocument(object, file), { defaultNamespace: 'default', strictness: 'cluster' });
  assert.ok(resource);
  return resource;
}

test('a Gateway of a cluster whose labels alone have changed concerns no VirtualService', () => {
  for (const [file, isChange] of [
    ['cluster:/gateways/edge', false],
    ['routes.d/edge.yaml', true],
  ] as const) {
    const catalog = new Catalog();
    const update = (resource: Resource): boolean =>
      catalog.update([['Gateway/default/edge', resource]]).resources.length > 0;
    assert.ok(update(gatewayIn(file, {})));
    assert.equal(update(gatewayIn(file, { team: 'a' })), isChange, 'lines of a file may have moved');
    assert.ok(update(gatewayIn(file, { team: 'a' }, 8080)));
  }
});
