import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINTS_MS } from '#gateway/control/source/quarantine/patience.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { identityOf } from '../../fuzz/cluster-changes/campaign.ts';
import type { AnyObject } from '../../fuzz/cluster-changes/objects.ts';
import { World } from '../../fuzz/cluster-changes/world.ts';
import { makeCa } from '../../kit/certificates.ts';

const ISTIO = 'networking.istio.io/v1';

function object(apiVersion: string, kind: string, name: string, rest: object, labels: object = {}): AnyObject {
  return { apiVersion, kind, metadata: { name, namespace: 'shop', labels }, ...rest };
}

const gateway = object(ISTIO, 'Gateway', 'g', {
  spec: {
    selector: { istio: 'ingressgateway' },
    servers: [
      {
        port: { number: 443, name: 'https', protocol: 'HTTPS' },
        hosts: ['shop.example'],
        tls: { mode: 'SIMPLE', credentialName: 'c' },
      },
    ],
  },
});
const service = object('v1', 'Service', 'a', { spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80 }] } });

function rule(subsets: Readonly<Record<string, string>>): AnyObject {
  const list = Object.entries(subsets).map(([name, version]) => ({ name, labels: { version } }));
  return object(ISTIO, 'DestinationRule', 'a', { spec: { host: 'a', subsets: list } });
}

function route(...subsets: string[]): AnyObject {
  const list = subsets.map((subset) => ({ destination: { host: 'a', subset }, weight: 1 }));
  return object(ISTIO, 'VirtualService', 'a', {
    spec: { hosts: ['shop.example'], gateways: ['g'], http: [{ route: list }] },
  });
}

function pod(version: string): AnyObject {
  const podIP = `10.0.0.${version.slice(1)}`;
  const status = { podIP, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  return object('v1', 'Pod', `a-${version}`, { status }, { app: 'a', version });
}

function slice(...versions: string[]): AnyObject {
  const endpoints = versions.map((version) => ({
    addresses: [`10.0.0.${version.slice(1)}`],
    targetRef: { kind: 'Pod', name: `a-${version}` },
  }));
  const rest = { addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints };
  return object('discovery.k8s.io/v1', 'EndpointSlice', 'a-1', rest, { 'kubernetes.io/service-name': 'a' });
}

async function secret(): Promise<AnyObject> {
  const { certificatePem, privateKeyPem } = await (await makeCa()).issue({ names: ['shop.example'] });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return object('v1', 'Secret', 'c', { data: { 'tls.crt': base64(certificatePem), 'tls.key': base64(privateKeyPem) } });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** What requests for the shop meet: endpoints of every subset that gets some. */
function served({ virtualHosts, clusters }: SnapshotUnits): Record<string, number> {
  const action = virtualHosts['https.31390|shop.example']?.routes[0]?.action;
  if (action?.kind !== 'forward') return {};
  return Object.fromEntries(
    action.destinations.map(({ cluster }) => [cluster.split('|')[2], clusters[cluster]?.endpoints.length ?? 0]),
  );
}

function errorsOf(world: World): string[] {
  const all = [...world.quarantine.problems(), ...world.found()];
  return all.flatMap(({ severity, message }) => (severity === 'error' ? [message] : []));
}

test('an application is served the same in whatever order its objects come', async () => {
  const parts = [gateway, await secret(), rule({ v1: 'v1' }), route('v1'), service, slice('v1'), pod('v1')];
  let expected: string | undefined;
  // Every order of six of them, and the seventh anywhere among them.
  for (const order of permutations(parts.slice(1)).map((rest, index) => rest.toSpliced(index % 7, 0, gateway))) {
    const world = new World(identityOf('istio-system', 'pods'));
    for (const part of order) {
      world.put(part);
      world.round();
    }
    const units = JSON.stringify(world.units);
    expected ??= units;
    assert.equal(units, expected);
    assert.deepEqual(served(world.units), { v1: 1 });
    assert.deepEqual(errorsOf(world), []);
  }
});

/** From v1 and v2 to something else, and what is served in the end. */
const migrations: Readonly<Record<string, { readonly parts: readonly AnyObject[]; readonly end: readonly string[] }>> =
  {
    'a version is added, gets all traffic, and the old ones go': {
      parts: [rule({ v3: 'v3' }), route('v3'), slice('v1', 'v2', 'v3'), pod('v3')],
      end: ['v3'],
    },
    'subsets are renamed': {
      parts: [rule({ blue: 'v1', green: 'v2' }), route('blue', 'green')],
      end: ['blue', 'green'],
    },
    'a subset is dropped': { parts: [rule({ v1: 'v1' }), route('v1')], end: ['v1'] },
    'subsets change their places': { parts: [rule({ v1: 'v2', v2: 'v1' }), route('v2', 'v1')], end: ['v1', 'v2'] },
    'the pods of a subset are replaced by others with other labels': {
      parts: [rule({ v1: 'v1', v2: 'v4' }), slice('v1', 'v2', 'v4'), pod('v4')],
      end: ['v1', 'v2'],
    },
  };

for (const [what, { parts, end }] of Object.entries(migrations)) {
  test(`${what}: no request meets an empty subset, in whatever order, with a restart at any moment`, async () => {
    const begin = [
      gateway,
      await secret(),
      service,
      rule({ v1: 'v1', v2: 'v2' }),
      route('v1', 'v2'),
      slice('v1', 'v2'),
    ];
    for (const order of permutations(parts))
      for (let restart = -1; restart < order.length; restart += 1) {
        let world = new World(identityOf('istio-system', 'pods'));
        for (const part of [...begin, pod('v1'), pod('v2')]) world.put(part);
        world.round();
        assert.deepEqual(served(world.units), { v1: 1, v2: 1 });
        for (const [step, part] of order.entries()) {
          world.put(part);
          world.now += 1_000;
          if (step === restart) world = world.restarted();
          world.round();
          const counts = Object.values(served(world.units));
          assert.ok(counts.length > 0 && counts.every((count) => count > 0), `step ${step}: ${counts.join()}`);
        }
        world.now += ENDPOINTS_MS;
        world.round();
        assert.deepEqual(Object.keys(served(world.units)).sort(), end);
        assert.deepEqual(errorsOf(world), []);
        assert.equal(world.quarantine.waitsUntil, undefined);
      }
  });
}
