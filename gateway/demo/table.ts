import { relative } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import type { DemoFolder } from './folder.ts';
import { inUrl, nodeAddresses } from './node-names.ts';

/** What a person needs in order to try the demo, as lines for a terminal. */
export function demoTable(folder: DemoFolder, settings: Settings, root: string): string {
  const short = (file: string): string => (file === '-' ? 'stdout' : relative(root, file));
  const node = nodeAddresses()[0];
  const urls = (scheme: 'http' | 'https', gatewayPort: number): string => {
    const port = settings.ports.find((mapping) => mapping.gatewayPort === gatewayPort)?.nodePorts[0];
    if (port === undefined) return '(not mapped in the settings)';
    const hosts = node === undefined ? ['localhost'] : ['localhost', inUrl(node)];
    return hosts.map((host) => `${scheme}://${host}:${port}/`).join('   ');
  };
  const rows = [
    ['http', urls('http', 80)],
    ['https', urls('https', 443)],
    ['CA file', `${short(folder.caFile)}   (curl --cacert ${short(folder.caFile)} ..., or import it into the browser)`],
    ['shift', 'npx mesh-gateway shift myapp v1=90 v2=10'],
    ['edit', `${short(folder.routesFile)}   (served as soon as it is saved)`],
    ['settings', short(folder.settingsFile)],
    ['access log', short(settings.accessLog.file)],
    ['stop', 'Ctrl-C'],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(12)}${value}`);
  return ['', 'mesh-gateway demo: myapp, v1 (blue) and v2 (green), 50/50', '', ...lines, '', ''].join('\n');
}
