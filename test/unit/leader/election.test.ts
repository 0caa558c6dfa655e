import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { LEASE_MS, RENEW_DEADLINE_MS, RETRY_MS } from '#gateway/control/leader/election.ts';
import { NoLeases } from '#gateway/control/leader/leases.ts';
import { fenced, LeadershipLost } from '#gateway/control/leader/term.ts';
import { Candidate, Clocks, LeaseServer, turn, unreachable } from './leader-kit.ts';

test('the first to come makes the lease and leads; the others wait and know who leads', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const b = new Candidate(server, clocks, 'edge-2');
  await clocks.pass(60_000);
  assert.ok(a.election.isLeader && a.works);
  assert.ok(!b.election.isLeader && b.terms.length === 0);
  assert.equal(b.election.leader, 'edge-1');
  assert.equal(server.lease?.durationSeconds, 15);
  assert.equal(server.lease.transitions, 0);
  assert.ok(server.writes.every((holder) => holder === 'edge-1'));
});

test('when the leader falls silent another leads within the lease time and one try', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const b = new Candidate(server, clocks, 'edge-2');
  await clocks.pass(10_000);
  a.leases.failure = unreachable();
  const since = clocks.timers.now();
  while (!b.election.isLeader && clocks.timers.now() - since < 60_000) await clocks.pass(100);
  assert.ok(b.works);
  const took = clocks.timers.now() - since;
  assert.ok(took <= LEASE_MS + 2 * RETRY_MS * 1.2, `${took} ms`);
  assert.equal(server.lease?.transitions, 1);
});

test('the work of one has ended before that of another begins, whatever the API server does', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const nodes = [1, 2, 3].map((index) => new Candidate(server, clocks, `edge-${index}`));
  let seed = 7;
  const chance = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 600; round += 1) {
    for (const node of nodes) {
      if (chance() < 0.05) node.leases.failure = unreachable();
      else if (chance() < 0.06) node.leases.failure = undefined;
      node.leases.losesAnswers = chance() < 0.1;
    }
    await clocks.pass(1_000);
    assert.ok(nodes.filter((node) => node.works).length <= 1, `round ${round}`);
    assert.ok(nodes.filter((node) => node.election.isLeader).length <= 1, `round ${round}`);
  }
  assert.ok(nodes.every((node) => node.terms.length > 0));
});

test('a leader that cannot renew stops at the renew deadline, before another may take over', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  await clocks.pass(RETRY_MS);
  a.leases.failure = unreachable();
  await clocks.pass(RENEW_DEADLINE_MS - 200);
  assert.ok(a.works);
  await clocks.pass(400);
  assert.ok(!a.works && !a.election.isLeader);
  assert.equal(a.election.trouble?.kind, 'unreachable');
  a.leases.failure = undefined;
  await clocks.pass(3_000);
  assert.ok(a.works, 'its own lease is taken again at once');
  assert.equal(server.lease?.transitions, 0);
});

test('a renewal that finds the lease with another ends the term at once', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  assert.ok(a.works && server.lease);
  server.lease = { ...server.lease, holder: 'edge-9_ff', resourceVersion: 'theirs' };
  await clocks.pass(RETRY_MS + 100);
  assert.ok(!a.works);
  assert.equal(a.election.leader, 'edge-9');
});

test('a renewal whose answer was lost is found again, and the leader goes on', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  a.leases.losesAnswers = true;
  await clocks.pass(RETRY_MS + 100);
  a.leases.losesAnswers = false;
  await clocks.pass(30_000);
  assert.equal(a.terms.length, 1);
  assert.ok(a.works);
});

test('a wall clock that is set forward ends the term before the next write; one that is set back does not prolong it', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const [first] = a.terms;
  a.clockStep = 3_600_000;
  assert.equal(first?.isHeld(), false);
  assert.ok(first?.signal.aborted);
  await clocks.pass(5_000);
  const second = a.terms.at(-1);
  assert.ok(second !== first && a.works);
  a.clockStep = -3_600_000;
  a.leases.failure = unreachable();
  await clocks.pass(RENEW_DEADLINE_MS + 100);
  assert.ok(!a.works);
});

test('a node whose clock is hours ahead takes over no earlier', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const b = new Candidate(server, clocks, 'edge-2');
  b.clockStep = 5 * 3_600_000;
  await clocks.pass(60_000);
  assert.ok(a.works && b.terms.length === 0);
});

test('after a pause of the whole process nothing is written, though no timer has run yet', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const [term] = a.terms;
  assert.ok(term);
  const sent: string[] = [];
  const api = fenced({ request: async ({ path }) => void sent.push(path) as never }, term);
  await api.request({ method: 'GET', path: '/before' });
  // The clocks go on, timers do not.
  const now = clocks.timers.now();
  clocks.timers.now = () => now + 20_000;
  await assert.rejects(() => api.request({ method: 'GET', path: '/after' }), LeadershipLost);
  assert.deepEqual(sent, ['/before']);
});

test('a request that is under way is broken off when the term ends', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const [term] = a.terms;
  assert.ok(term);
  const api = fenced(
    {
      request: ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(unreachable()), { once: true })),
    },
    term,
  );
  const pending = assert.rejects(() => api.request({ method: 'GET', path: '/slow' }), LeadershipLost);
  a.clockStep = 60_000;
  term.isHeld();
  await pending;
});

test('a stop ends the work and gives the lease back, so that the next leads at its next try', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  const b = new Candidate(server, clocks, 'edge-2');
  await clocks.pass(5_000);
  const stopped = a.election.stop();
  await turn();
  assert.ok(!a.works);
  await clocks.pass(1_100);
  await stopped;
  assert.equal(server.lease?.holder, undefined);
  await clocks.pass(RETRY_MS * 1.2);
  assert.ok(b.works);
});

test('an API server without Leases, or that refuses them, is told as a trouble and asked again', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  let changes = 0;
  const a = new Candidate(server, clocks, 'edge-1', { onChange: () => (changes += 1) });
  a.leases.failure = new NoLeases('none');
  await clocks.pass(5_000);
  assert.equal(a.election.trouble?.kind, 'no-leases');
  a.leases.failure = new ApiError({ status: 403, reason: 'Forbidden', message: 'leases is forbidden' });
  await clocks.pass(5_000);
  assert.deepEqual(a.election.trouble, { kind: 'refused', message: 'leases is forbidden' });
  a.leases.failure = undefined;
  await clocks.pass(5_000);
  assert.ok(a.works && a.election.trouble === undefined);
  assert.equal(changes, 4);
});

test('a lease that somebody deletes ends the term; it is made anew', async () => {
  const [server, clocks] = [new LeaseServer(), new Clocks()];
  const a = new Candidate(server, clocks, 'edge-1');
  await turn();
  server.lease = undefined;
  await clocks.pass(RETRY_MS + 200);
  assert.equal(a.terms[0]?.signal.aborted, true);
  await clocks.pass(RETRY_MS);
  assert.ok(a.works && a.terms.length === 2);
});
