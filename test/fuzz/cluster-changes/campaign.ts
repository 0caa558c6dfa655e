import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EndpointMode, GatewayIdentity } from '#gateway/control/build/build-input.ts';
import { ENDPOINTS_MS } from '#gateway/control/source/quarantine/patience.ts';
import { type AnyObject, anyObject, BASE } from './objects.ts';
import { before, checkRound } from './properties.ts';
import { World } from './world.ts';

export type CampaignOptions = { readonly runs: number; readonly seed?: number };

/** What happens between two rounds. */
type Step = {
  readonly put: readonly AnyObject[];
  /** Objects to remove, by number. */
  readonly remove: readonly number[];
  /** Milliseconds that pass. */
  readonly passes: number;
  readonly restart: boolean;
};

const step: fc.Arbitrary<Step> = fc.record({
  put: fc.array(anyObject, { maxLength: 5 }),
  remove: fc.oneof(
    { arbitrary: fc.constant([]), weight: 3 },
    { arbitrary: fc.array(fc.nat(60), { maxLength: 2 }), weight: 1 },
  ),
  passes: fc.constantFrom(0, 0, 0, 1_000, 30_000, 61_000),
  restart: fc.constantFrom(false, false, false, false, true),
});

const mode = fc.constantFrom<EndpointMode>('pods', 'pods', 'pods', 'clusterIP', 'nodePort');
const home = fc.constantFrom('edge', 'istio-system');

/** Random changes of a small cluster, one round after the other; throws with the smallest sequence that breaks a promise. */
export function runCampaign({ runs, seed }: CampaignOptions): void {
  fc.assert(fc.property(mode, home, fc.array(step, { minLength: 1, maxLength: 12 }), runSequence), {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
  });
}

/** One sequence; throws at the first promise that is broken. */
export function runSequence(endpoints: EndpointMode, namespace: string, steps: readonly Step[]): void {
  const identity = identityOf(namespace, endpoints);
  let world = new World(identity);
  const round = (change: () => void = () => undefined): void => {
    const then = before(world, identity);
    change();
    world.round();
    checkRound(world, identity, then);
    world.removed.clear();
  };
  round(() => {
    for (const object of BASE) world.put(object);
  });
  for (const { put, remove, passes, restart } of steps) {
    world.now += passes;
    const change = (): void => {
      for (const index of remove) {
        const key = [...world.newest.keys()][index];
        if (key !== undefined) world.remove(key);
      }
      for (const object of put) world.put(object);
    };
    if (!restart) round(change);
    else {
      change();
      world = world.restarted();
      round();
    }
  }
  world.now += ENDPOINTS_MS;
  round();
  checkRestart(world);
}

/** Whoever starts with what was accepted, and is told everything, serves the same; of those who break each other, perhaps others. */
function checkRestart(world: World): void {
  const other = world.restarted();
  other.round();
  const isAnyWaiting = (one: World): boolean => [...one.newest.keys()].some((key) => one.quarantine.isQuarantined(key));
  if (isAnyWaiting(world) && isAnyWaiting(other)) return;
  const served = (one: World): string[] =>
    [...one.chosen()].map(([key, { fingerprint }]) => `${key} ${fingerprint}`).sort();
  assert.deepEqual(served(other), served(world), 'a restart changes what is served');
}

export function identityOf(namespace: string, endpoints: EndpointMode): GatewayIdentity {
  return {
    namespace,
    labels: { istio: 'ingressgateway' },
    ports: [
      { gatewayPort: 80, nodePorts: [31_380] },
      { gatewayPort: 443, nodePorts: [31_390] },
    ],
    reservedPorts: [{ port: 15_000, purpose: 'the admin API' }],
    endpoints,
    connectTimeoutMs: 1_000,
  };
}
