import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUp } from '#test/kit/proxied-backend.ts';
import { aCluster, aDelta, aRoute, aVirtualHost, forwardTo } from '#test/kit/proxy.ts';
import { ok } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const POLICY = 'AuthorizationPolicy/istio-system/require-jwt';

test('a closed host answers 403 with the flag UAEX and says why in the access log only; other hosts serve', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('open')));
  const cluster = aCluster([kit.backend.port]);
  const routes = [aRoute(forwardTo([cluster.key]))];
  const closedHost = aVirtualHost('closed.example', [], { denied: { policies: [POLICY] } });
  kit.gateway.serve(aDelta(0, 2, { virtualHosts: [closedHost, aVirtualHost('*', routes)], clusters: [cluster] }));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(get('closed.example'));
  const refused = await client.response();
  assert.deepEqual([refused.status, refused.body], [403, 'access denied\n']);
  client.write(get('open.example'));
  assert.deepEqual((await client.response()).body, 'open', 'the connection goes on');
  client.destroy();
  const line = kit.gateway.log.find(({ status }) => status === 403);
  assert.deepEqual([line?.flags, line?.details, line?.upstreamHost], ['UAEX', `not_enforced{${POLICY}}`, '']);
  assert.equal(kit.backend.connections[0]?.requests, 1);

  kit.gateway.serve(aDelta(2, 3, { virtualHosts: [aVirtualHost('closed.example', routes)] }));
  assert.equal((await exchangeRaw(kit.gateway.port, get('closed.example'))).body, 'open', 'and it opens again');
});
