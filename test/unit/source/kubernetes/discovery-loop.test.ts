import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import type { Discovery } from '#gateway/control/kubernetes/discovery.ts';
import { DiscoveryLoop } from '#gateway/control/source/kubernetes/discovery-loop.ts';
import { ManualTimers } from '#test/kit/manual-timers.ts';

/** A loop over a cluster that answers as `outcome` says, with what it told. */
function aLoop() {
  const timers = new ManualTimers();
  const kit = { timers, looks: 0, told: [] as string[], outcome: undefined as ApiError | undefined };
  const refresh = (): Promise<void> => {
    kit.looks += 1;
    return kit.outcome === undefined ? Promise.resolve() : Promise.reject(kit.outcome);
  };
  const loop = new DiscoveryLoop({
    discovery: { refresh } as unknown as Discovery,
    timers,
    everyMs: 30_000,
    onRefreshed: ({ recovered }) => kit.told.push(recovered ? 'recovered' : 'refreshed'),
    onFailed: () => kit.told.push('failed'),
    onDefect: (error) => kit.told.push(`defect ${String(error)}`),
  });
  const advance = async (ms: number): Promise<void> => {
    timers.advance(ms);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { ...kit, kit, loop, advance };
}

const failure = (status: number, retryAfterMs?: number): ApiError =>
  new ApiError({ status, reason: 'No', message: 'no', retryAfterMs });

test('a cluster that is back is noticed within five seconds, and who asks out of turn gets one look in two', async (context) => {
  const { kit, loop, advance } = aLoop();
  context.after(() => loop.close());
  await loop.start();
  loop.hurry();
  loop.hurry();
  await advance(1_900);
  assert.equal(kit.looks, 1);
  await advance(200);
  assert.equal(kit.looks, 2);
  kit.outcome = failure(0);
  await advance(33_000);
  for (let round = 0; round < 10; round += 1) await advance(5_000);
  const looks = kit.looks;
  kit.outcome = undefined;
  await advance(5_000);
  assert.deepEqual([kit.looks, kit.told.at(-1)], [looks + 1, 'recovered']);
});

test('a server that asks to be left alone is left alone, for half a minute at most', async (context) => {
  const { kit, loop, advance } = aLoop();
  context.after(() => loop.close());
  kit.outcome = failure(429, 20_000);
  await loop.start();
  await advance(19_900);
  assert.equal(kit.looks, 1);
  kit.outcome = failure(503, 3_600_000);
  await advance(200);
  assert.equal(kit.looks, 2);
  await advance(29_900);
  assert.equal(kit.looks, 2);
  kit.outcome = undefined;
  await advance(200);
  assert.deepEqual(kit.told, ['failed', 'failed', 'recovered']);
});
