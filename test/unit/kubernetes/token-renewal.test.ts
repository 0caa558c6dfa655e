import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ApiRequest } from '#gateway/control/kubernetes/api-client.ts';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { TokenRenewal } from '#gateway/control/kubernetes/token-renewal.ts';
import { SecretText } from '#gateway/control/resource/core/secret-text.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { eventually } from '#test/kit/eventually.ts';
import { ManualTimers } from '#test/kit/manual-timers.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BEGIN = Date.parse('2026-01-01T00:00:00Z');

test('a token is renewed after a day, kept with mode 0600, and taken up again by the next start', async (t) => {
  const site = aSite(t);
  const original = aToken({ issuedAt: BEGIN, days: 30 });
  const first = site.start(original);
  assert.equal(first.token(), original);
  site.pass(23 * HOUR);
  assert.equal(site.requests.length, 0);
  site.pass(3 * HOUR);
  await eventually(() => first.token() === 'renewed-1');
  assert.deepEqual(
    site.requests.map(({ method, path, body }) => ({ method, path, body })),
    [
      {
        method: 'POST',
        path: '/api/v1/namespaces/istio-system/serviceaccounts/mesh-gateway/token',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { expirationSeconds: (30 * DAY) / 1000 },
        },
      },
    ],
  );
  await eventually(() => site.kept() !== undefined);
  assert.equal(statSync(site.file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(site.folder), ['token.json']);
  await first.renewal.close();

  const second = site.start(original);
  assert.equal(second.token(), 'renewed-1');
  site.pass(26 * HOUR);
  await eventually(() => second.token() === 'renewed-2');
  assert.deepEqual(site.problems(), []);
});

test('a token of one hour is renewed at half of it', async (t) => {
  const site = aSite(t);
  const { token } = site.start(aToken({ issuedAt: BEGIN, days: 1 / 24 }));
  site.pass(0.45 * HOUR);
  assert.equal(site.requests.length, 0);
  site.pass(0.15 * HOUR);
  await eventually(() => token() === 'renewed-1');
});

test('a node that was off for almost the whole life of its token renews it at once', async (t) => {
  const site = aSite(t);
  const { token } = site.start(aToken({ issuedAt: BEGIN - 29 * DAY, days: 30 }));
  await eventually(() => token() === 'renewed-1');
});

test('tokens that never end, of people, or that are no JWT are left as they are', async (t) => {
  const site = aSite(t);
  const forever = aJwt({ sub: 'system:serviceaccount:istio-system:mesh-gateway', iat: BEGIN / 1000 });
  const ofPerson = aJwt({ sub: 'alice', iat: BEGIN / 1000, exp: BEGIN / 1000 + 600 });
  for (const original of [forever, ofPerson, 'opaque', 'a.b.c', '..', 'a.bnVsbA.c']) {
    const { token, renewal } = site.start(original);
    site.pass(400 * DAY);
    assert.equal(token(), original);
    await renewal.close();
  }
  await turn();
  assert.equal(site.requests.length, 0);
});

test('a new kubeconfig wins over what an older one was renewed to', async (t) => {
  const site = aSite(t);
  const { token, renewal } = site.start(aToken({ issuedAt: BEGIN - 2 * DAY, days: 30 }));
  await eventually(() => site.kept() !== undefined);
  const other = aToken({ issuedAt: BEGIN, days: 30, id: 'other' });
  assert.equal(token(other), other);
  await renewal.close();
  assert.equal(site.start(other).token(), other);
});

test('a kept token that is damaged or of another form is not used', (t) => {
  const original = aToken({ issuedAt: BEGIN, days: 30 });
  for (const content of ['', '{', 'null', '[]', '{"form":1}', '{"form":2,"token":"x"}']) {
    const site = aSite(t);
    writeFileSync(site.file, content);
    assert.equal(site.start(original).token(), original);
  }
});

test('failed renewals are tried again, ever more slowly; an outage is no problem while there is time', async (t) => {
  const site = aSite(t);
  site.answerWith(() => {
    throw new ApiError({ status: 0, reason: 'Unreachable', message: 'https://10.0.0.1:6443: nothing listens there' });
  });
  const { token } = site.start(aToken({ issuedAt: BEGIN - 2 * DAY, days: 30 }));
  await eventually(() => site.requests.length === 1);
  await turn();
  for (let passed = 0; passed < DAY; passed += HOUR / 60) {
    site.pass(HOUR / 60);
    await turn();
  }
  assert.ok(site.requests.length > 30 && site.requests.length < 110, String(site.requests.length));
  assert.deepEqual(site.problems(), []);

  site.pass(20 * DAY);
  await eventually(() => site.problems().length === 1);
  const [late] = site.problems();
  assert.equal(late?.severity, 'warning');
  assert.match(
    late?.message ?? '',
    /ends at 2026-01-29T00:00:00\.000Z and could not be renewed: https:\/\/10\.0\.0\.1/,
  );

  site.answerWith(undefined);
  site.pass(HOUR);
  await eventually(() => token() === 'renewed-1');
  await eventually(() => site.problems().length === 0);
});

for (const [status, advice] of [
  [401, /make a new kubeconfig.*install\.sh --kubeconfig/i],
  [403, /Let mesh-gateway create serviceaccounts\/token of itself in istio-system: kubectl apply -f config\/cluster/],
  [404, /The account mesh-gateway in istio-system is gone/],
] as const)
  test(`an API server that answers ${status} is a problem at once, which says what to do and shows no token`, async (t) => {
    const site = aSite(t);
    site.answerWith(() => {
      throw new ApiError({ status, reason: 'Refused', message: 'the server said no' });
    });
    const original = aToken({ issuedAt: BEGIN - 2 * DAY, days: 30 });
    site.start(original);
    await eventually(() => site.problems().length === 1);
    const text = JSON.stringify(site.problems());
    assert.match(text, advice);
    assert.ok(!text.includes(original));
  });

test('a token that ended is an error that names the way out, and is still tried', async (t) => {
  const site = aSite(t);
  site.answerWith(() => {
    throw new ApiError({ status: 401, reason: 'Unauthorized', message: 'Unauthorized' });
  });
  site.start(aToken({ issuedAt: BEGIN - 31 * DAY, days: 30 }));
  await eventually(() => site.problems()[0]?.severity === 'error');
  assert.equal(site.problems()[0]?.code, 'MG1020');
  assert.match(site.problems()[0]?.message ?? '', /ended at 2025-12-31/);
  site.pass(HOUR);
  await eventually(() => site.requests.length > 1);
});

test('an answer without a token changes nothing, and servers that date badly make no loop', async (t) => {
  const site = aSite(t);
  const original = aToken({ issuedAt: BEGIN - 2 * DAY, days: 30 });
  site.answerWith(() => ({ status: {} }));
  const { token } = site.start(original);
  await eventually(() => site.requests.length === 1);
  await turn();
  assert.equal(token(), original);
  site.answerWith(() => ({ status: { token: 'backdated', expirationTimestamp: '2020-01-01T00:00:00Z' } }));
  site.pass(30_000);
  await eventually(() => site.kept() !== undefined);
  for (let minute = 0; minute < 10; minute += 1) {
    site.pass(60_000);
    await turn();
  }
  assert.ok(site.requests.length < 15, String(site.requests.length));
});

test('a token that cannot be written is used all the same, said, and written when that works again', async (t) => {
  const site = aSite(t);
  const gone = path.join(site.folder, 'gone');
  const { token } = site.start(aToken({ issuedAt: BEGIN - 2 * DAY, days: 30 }), path.join(gone, 'token.json'));
  await eventually(() => site.problems().length === 1);
  assert.equal(token(), 'renewed-1');
  assert.equal(site.problems()[0]?.code, 'MG1021');
  assert.match(site.problems()[0]?.message ?? '', /cannot be kept .* \(ENOENT\)/);
  assert.equal(site.requests.length, 1);
  mkdirSync(gone);
  site.pass(HOUR);
  await eventually(() => site.problems().length === 0);
  assert.equal(site.requests.length, 1, 'the same token is written; no other is asked for');
  assert.match(readFileSync(path.join(gone, 'token.json'), 'utf8'), /"renewed-1"/);
});

test('after the end nothing is asked for any more', async (t) => {
  const site = aSite(t);
  const { renewal } = site.start(aToken({ issuedAt: BEGIN, days: 30 }));
  await renewal.close();
  site.pass(60 * DAY);
  await turn();
  assert.equal(site.requests.length, 0);
});

/** A cluster that gives tokens, a clock, and a state directory. */
function aSite(t: TestContext) {
  const started: TokenRenewal[] = [];
  // before the folder goes
  t.after(() => Promise.all(started.map((renewal) => renewal.close())));
  const folder = temporaryFolder(t);
  const timers = new ManualTimers();
  const requests: ApiRequest[] = [];
  let problems: readonly Problem[] = [];
  let renewals = 0;
  let answer: (() => unknown) | undefined;
  const now = (): number => BEGIN + timers.now();
  const answerTo = (request: ApiRequest): unknown => {
    requests.push(request);
    if (answer !== undefined) return answer();
    renewals += 1;
    const expirationTimestamp = new Date(now() + 30 * DAY).toISOString();
    return { status: { token: `renewed-${renewals}`, expirationTimestamp } };
  };
  return {
    folder,
    file: path.join(folder, 'token.json'),
    requests,
    answerWith: (next: (() => unknown) | undefined): void => {
      answer = next;
    },
    problems: () => problems,
    pass: (ms: number) => timers.advance(ms),
    kept: () => readdirSync(folder).includes('token.json') || undefined,
    start(original: string, file = path.join(folder, 'token.json')) {
      const renewal = new TokenRenewal({
        file,
        timers,
        now,
        random: () => 0.5,
        onProblems: (all) => {
          problems = all;
        },
        onRenewed: () => undefined,
      });
      started.push(renewal);
      const token = (text = original): string => renewal.inPlaceOf(new SecretText(text)).reveal();
      token();
      renewal.start({ request: <T>(request: ApiRequest) => Promise.resolve(answerTo(request) as T) });
      return { renewal, token };
    },
  };
}

function aToken(facts: { issuedAt: number; days: number; id?: string }): string {
  const iat = facts.issuedAt / 1000;
  const exp = iat + Math.round(facts.days * (DAY / 1000));
  return aJwt({ sub: 'system:serviceaccount:istio-system:mesh-gateway', iat, exp, jti: facts.id ?? 'first' });
}

function aJwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}
