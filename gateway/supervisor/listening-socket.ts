import net from 'node:net';
import { getSystemErrorName } from 'node:util';

/**
 * A bound TCP socket that this process owns and never accepts on. Copies of it travel to workers over IPC;
 * all copies share ONE accept queue, so what waits in it outlives any worker (closed with `close`).
 */
export type ListeningSocket = {
  /** libuv handle, sent by `child.send(message, handle)`. */
  readonly handle: net.Server;
  readonly address: string;
  readonly port: number;
  /** True when systemd gave it to us: its port outlives even this process. */
  readonly inherited: boolean;
  close(): void;
};

/** Why a port cannot be bound: `EADDRINUSE`, `EACCES`... */
export class BindError extends Error {
  readonly code: string;
  readonly port: number;
  constructor(code: string, address: string, port: number) {
    super(`cannot listen on ${address} port ${port}: ${code}`);
    this.code = code;
    this.port = port;
  }
}

type RawHandle = net.Server & { getsockname(out: { address?: string; port?: number }): number; close(): void };
type CreateServerHandle = (
  address: string | null,
  port: number | null,
  family: number | null,
  fd: number,
  flags: number,
) => RawHandle | number;

/** Undocumented, but what node:cluster itself calls; {@link selfTest} guards it. */
const createServerHandle = (net as unknown as { _createServerHandle?: CreateServerHandle })._createServerHandle;

/** Binds without listening: the first worker's `listen(handle, backlog)` opens it. `::` falls back to `0.0.0.0` where IPv6 is off. */
export function bindSocket(address: string, port: number): ListeningSocket {
  const handle = createHandle(address, port);
  if (typeof handle !== 'number') return checkBound(handle, address, port);
  const code = getSystemErrorName(handle);
  const hasNoIpv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL';
  if (address === '::' && hasNoIpv6) return bindSocket('0.0.0.0', port);
  throw new BindError(code, address, port);
}

/** Takes over a socket that the service manager opened. Throws {@link BindError} when `fd` is no listening TCP socket. */
export function adoptSocket(fd: number): ListeningSocket {
  const handle = createServerHandle?.(null, null, null, fd, 0) ?? -38;
  if (typeof handle === 'number') throw new BindError(getSystemErrorName(handle), `inherited descriptor ${fd}`, 0);
  return toSocket(handle, { inherited: true });
}

/** One sentence when this Node cannot share listening sockets the way the supervisor does, else undefined. */
export function selfTest(): string | undefined {
  if (typeof createServerHandle !== 'function') return 'this Node.js has no net._createServerHandle';
  const handle = createServerHandle('127.0.0.1', 0, 4, -1, 0);
  if (typeof handle === 'number') return `a loopback socket cannot be bound (${getSystemErrorName(handle)})`;
  const bound: { port?: number } = {};
  const status = handle.getsockname(bound);
  handle.close();
  return status === 0 && (bound.port ?? 0) > 0 ? undefined : 'a bound socket does not tell its port';
}

/** libuv keeps EADDRINUSE back until `listen`, which the supervisor never calls; an unbound socket shows by its port. */
function checkBound(handle: RawHandle, address: string, port: number): ListeningSocket {
  const socket = toSocket(handle, { inherited: false });
  if (socket.port !== 0 && (port === 0 || socket.port === port)) return socket;
  socket.close();
  throw new BindError('EADDRINUSE', address, port);
}

function createHandle(address: string, port: number): RawHandle | number {
  return createServerHandle?.(address, port, net.isIPv6(address) ? 6 : 4, -1, 0) ?? -38;
}

function toSocket(handle: RawHandle, { inherited }: { inherited: boolean }): ListeningSocket {
  const bound: { address?: string; port?: number } = {};
  handle.getsockname(bound);
  return { handle, address: bound.address ?? '', port: bound.port ?? 0, inherited, close: () => handle.close() };
}
