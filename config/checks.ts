import { isIPv6 } from 'node:net';
import type { Reading } from './reading.ts';
import type { AddressPort, Settings } from './settings.ts';

/** sockaddr_un holds 108 bytes with the closing zero. */
const LONGEST_SOCKET_PATH = 107;

/** What no single field can tell: fields that do not go together. Reports into `reading`. */
export function checkTogether(settings: Settings, reading: Reading): void {
  checkAdminIsGuarded(settings, reading);
  checkSocketPath(settings, reading);
  checkHeaderLimits(settings, reading);
  checkSharedNodePorts(settings, reading);
  checkPortClashes(settings, reading);
}

function checkAdminIsGuarded({ admin }: Settings, reading: Reading): void {
  if (admin.tls !== undefined || isLoopback(admin.address)) return;
  reading.report(
    'admin.address',
    `admin.address ${admin.address} can be reached from other machines, and without TLS the admin token would cross the network in the clear: ` +
      'set admin.tls.certificate and admin.tls.privateKey (PEM files), or use 127.0.0.1 and reach it through ssh -L',
  );
}

function checkSocketPath({ admin }: Settings, reading: Reading): void {
  const bytes = Buffer.byteLength(admin.socket);
  if (bytes <= LONGEST_SOCKET_PATH) return;
  const field = reading.isSet('admin.socket') ? 'admin.socket' : 'runtimeDir';
  reading.report(
    field,
    `the admin socket's path ${admin.socket} has ${bytes} bytes, and a unix socket's may have ${LONGEST_SOCKET_PATH}: choose a shorter ${field}`,
  );
}

function checkHeaderLimits({ limits }: Settings, reading: Reading): void {
  if (limits.targetBytes < limits.headerBytes) return;
  const field = reading.isSet('limits.targetBytes') ? 'limits.targetBytes' : 'limits.headerBytes';
  reading.report(field, 'limits.targetBytes must be below limits.headerBytes, which counts the request line too');
}

/** Gateway ports share a listener when their node ports are the same; a partial overlap has no meaning. */
function checkSharedNodePorts({ ports }: Settings, reading: Reading): void {
  const firstWith = new Map<number, (typeof ports)[number]>();
  for (const mapping of ports) {
    if (new Set(mapping.nodePorts).size < mapping.nodePorts.length) {
      reading.report(`ports.${mapping.gatewayPort}`, `ports.${mapping.gatewayPort} names a node port twice`);
    }
    for (const nodePort of mapping.nodePorts) {
      const first = firstWith.get(nodePort);
      if (first === undefined) firstWith.set(nodePort, mapping);
      else if (first !== mapping && first.nodePorts.join() !== mapping.nodePorts.join()) {
        reading.report(
          `ports.${mapping.gatewayPort}`,
          `node port ${nodePort} belongs to the Gateway ports ${first.gatewayPort} and ${mapping.gatewayPort}, whose other node ports differ: ` +
            'give both the same list, or no port in common',
        );
        break;
      }
    }
  }
}

type Claim = AddressPort & { readonly field: string; readonly what: string };

function checkPortClashes(settings: Settings, reading: Reading): void {
  const claims: Claim[] = [];
  const nodePorts = new Set<number>();
  for (const { gatewayPort, nodePorts: list } of settings.ports) {
    for (const port of list) {
      if (nodePorts.has(port)) continue;
      nodePorts.add(port);
      claims.push({ address: settings.address, port, field: `ports.${gatewayPort}`, what: `node port ${port}` });
    }
  }
  for (const own of ['admin', 'health', 'metrics'] as const) {
    const claim: Claim = { ...settings[own], field: `${own}.port`, what: `${own}.port ${settings[own].port}` };
    const rival = claims.find((other) => overlaps(other, claim));
    claims.push(claim);
    if (rival === undefined) continue;
    const field = reading.isSet(claim.field) || !reading.isSet(rival.field) ? claim.field : rival.field;
    reading.report(field, `${claim.what} is also ${rival.what}: give each its own port`);
  }
}

function overlaps(a: AddressPort, b: AddressPort): boolean {
  if (a.port !== b.port) return false;
  return a.address === b.address || covers(a.address, b.address) || covers(b.address, a.address);
}

/** `::` is bound dual stack, so it takes the port from every address. */
function covers(wide: string, narrow: string): boolean {
  return wide === '::' || (wide === '0.0.0.0' && !isIPv6(narrow));
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.toLowerCase().startsWith('::ffff:127.');
}
