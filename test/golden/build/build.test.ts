import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createBuilder } from '#gateway/control/build/builder.ts';
import { requires, sharedDir } from '#test/kit/require.ts';
import { IDENTITY, resourcesFrom } from '#test/unit/build/from-yaml.ts';

// Input and full output of build, to be reviewed like code. Regenerate with UPDATE_GOLDEN=1.
const folder = import.meta.dirname;
const seed = (name: string) => path.join(sharedDir, 'seed', name);
const bookinfo = (name: string) => path.join(sharedDir, 'samples/istio/bookinfo/networking', name);
const own = (name: string) => path.join(folder, 'cases', name);

/** The settings' own mapping: Istio's gateway is met with either number. */
const SHIPPED_PORTS = [80, 443, 8080, 8443].map((gatewayPort) => ({
  gatewayPort,
  nodePorts: [gatewayPort % 8000 === 80 ? 31380 : 31390],
}));

const cases: { name: string; shared: boolean; files: readonly string[] }[] = [
  {
    name: 'owners-example',
    shared: true,
    files: [seed('app-gateway.yaml'), seed('myapp.yaml'), own('owners-example.pods.yaml')],
  },
  { name: 'bookinfo', shared: true, files: [bookinfo('bookinfo-gateway.yaml'), own('bookinfo.cluster.yaml')] },
  { name: 'tenants', shared: false, files: [own('tenants.yaml')] },
  { name: 'closed-hosts', shared: false, files: [own('closed-hosts.yaml')] },
];

for (const { name, shared, files } of cases) {
  const skip = shared && requires({ shared: true });
  test(`${name}: its objects give exactly these units and problems`, { skip }, () => {
    const resources = resourcesFrom(...files.map((file) => readFileSync(file, 'utf8')));
    const { units, problems } = createBuilder().build({ resources, gateway: { ...IDENTITY, ports: SHIPPED_PORTS } });
    const actual = `${JSON.stringify({ units, problems }, null, 2)}\n`;
    const expected = path.join(folder, 'expected', `${name}.json`);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(path.dirname(expected), { recursive: true });
      writeFileSync(expected, actual);
    }
    assert.equal(actual, readFileSync(expected, 'utf8'));
  });
}
