import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller } from '#test/kit/api-server/caller.ts';
import { eventually } from '#test/kit/eventually.ts';

const RBAC = 'rbac.authorization.k8s.io';

describe('access to the test API server under RBAC', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start({ rbac: 'enforced', minTokenSeconds: 1 });
    caller = new Caller(server);
    server.apply(
      role('ClusterRole', 'reader', undefined, [
        { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
      ]),
      role('Role', 'one-secret', 'edge', [
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['tls'], verbs: ['get'] },
      ]),
      role('ClusterRole', 'statuses', undefined, [
        { apiGroups: ['networking.istio.io'], resources: ['virtualservices/status'], verbs: ['patch'] },
      ]),
      binding('ClusterRoleBinding', 'reader', undefined, {
        kind: 'ServiceAccount',
        name: 'gateway',
        namespace: 'edge',
      }),
      binding('ClusterRoleBinding', 'statuses', undefined, { kind: 'Group', name: 'writers' }),
      binding('RoleBinding', 'one-secret', 'edge', { kind: 'User', name: 'ann' }),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'gateway', namespace: 'edge' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls', namespace: 'edge' } },
    );
  });
  after(async () => {
    caller.close();
    await server.stop();
  });

  const status = async (token: string, path: string, method = 'GET', body?: unknown) =>
    (await caller.call(method, path, { token, body, contentType: 'application/merge-patch+json' })).status;

  it('is what bindings give to users, groups and service accounts, and a 403 says what is missing', async () => {
    const token = server.token({ user: 'ann' });
    assert.equal(await status(token, '/api/v1/namespaces/edge/secrets/tls'), 200);
    assert.equal(await status(token, '/api/v1/namespaces/edge/secrets'), 403);
    assert.equal(await status(token, '/api/v1/namespaces/default/secrets/tls'), 403);
    const { body } = await caller.call('GET', '/api/v1/services', { token });
    assert.equal(
      body.message,
      'services is forbidden: User "ann" cannot list resource "services" in API group "" at the cluster scope',
    );
  });

  it('to a subresource is not access to the object', async () => {
    const token = server.token({ user: 'bob', groups: ['writers'] });
    const path = '/apis/networking.istio.io/v1/namespaces/default/virtualservices/none';
    assert.equal(await status(token, `${path}/status`, 'PATCH', {}), 404);
    assert.equal(await status(token, path, 'PATCH', {}), 403);
  });

  it('by a requested token ends with the token, and with its service account', async () => {
    const path = '/api/v1/namespaces/edge/serviceaccounts/gateway/token';
    const { body } = await caller.call('POST', path, { body: { spec: { expirationSeconds: 600 } } });
    const token = (body['status'] as { token: string }).token;
    assert.equal(await status(token, '/api/v1/services'), 200);
    assert.equal(await status(token, '/api/v1/pods'), 403);
    server.expireTokens({ token });
    assert.equal(await status(token, '/api/v1/services'), 401);
  });

  it('by a token ends when the token says', async () => {
    const token = server.token({ user: 'ann', expiresInMs: 100 });
    assert.equal(await status(token, '/api/v1/namespaces/edge/secrets/tls'), 200);
    await eventually(async () => (await status(token, '/api/v1/namespaces/edge/secrets/tls')) === 401);
  });

  it('by a client certificate is that of its CN and its O', async () => {
    const clientCertificate = await server.clientCertificate({ user: 'root', groups: ['system:masters'] });
    assert.equal((await caller.call('GET', '/api/v1/secrets', { clientCertificate })).status, 200);
    const other = await server.clientCertificate({ user: 'ann' });
    assert.equal((await caller.call('GET', '/api/v1/secrets', { clientCertificate: other })).status, 403);
  });

  it('can be asked about', async () => {
    const ask = async (resource: string) => {
      const token = server.token({ user: 'ann' });
      const resourceAttributes = { verb: 'get', resource, namespace: 'edge', name: 'tls' };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const { body } = await caller.call('POST', path, { token, body: { spec: { resourceAttributes } } });
      return (body['status'] as { allowed: boolean }).allowed;
    };
    assert.deepEqual([await ask('secrets'), await ask('pods')], [true, false]);
  });

  it('is open to anybody for the version, and to the known for discovery', async () => {
    assert.equal(await status('', '/version'), 200);
    assert.equal(await status('', '/apis'), 403);
    assert.equal(await status(server.token({ user: 'ann' }), '/apis'), 200);
  });

  it('is written down with user, verb and resource', async () => {
    server.audit.clear();
    await status(server.token({ user: 'ann' }), '/api/v1/namespaces/edge/secrets/tls');
    assert.deepEqual(server.audit.entries({ user: 'ann' }), [
      {
        user: 'ann',
        verb: 'get',
        group: '',
        resource: 'secrets',
        subresource: '',
        namespace: 'edge',
        name: 'tls',
        code: 200,
      },
    ]);
  });
});

function role(kind: string, name: string, namespace: string | undefined, rules: unknown[]) {
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    rules,
  };
}

function binding(kind: string, name: string, namespace: string | undefined, subject: Record<string, string>) {
  const ref = kind === 'RoleBinding' ? 'Role' : 'ClusterRole';
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC, kind: ref, name },
    subjects: [subject],
  };
}
