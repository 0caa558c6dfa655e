/**
 * The listening sockets that the service manager opened before this process (sd_listen_fds(3)).
 * It opens, binds and accepts nothing, and trusts only an environment that names this very process.
 * Called by the supervisor at start; children get `childEnvironment`, else they would take the sockets for their own.
 *
 * Sockets arrive in no promised order, so each has a name (FileDescriptorName= of its .socket unit). The name is for
 * people and logs: which node port a socket serves is asked of the socket itself (`getsockname` of its handle), so that
 * an operator who changes ListenStream= has nothing else to change.
 */
import { fstatSync } from 'node:fs';

export type InheritedSocket = { readonly name: string; readonly fd: number };

/** `problems` are sentences for the log: what was handed over and could not be taken. */
export type InheritedSockets = { readonly sockets: readonly InheritedSocket[]; readonly problems: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

const firstFd = 3;
const serviceManagerVariables = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
] as const;

/** The sockets for the process `pid`; none without LISTEN_FDS or when LISTEN_PID names another process. */
export function inheritedSockets(
  env: Environment,
  pid: number = process.pid,
  isSocket: (fd: number) => boolean = isOpenSocket,
): InheritedSockets {
  const count = env['LISTEN_FDS'];
  if (count === undefined || count === '0' || env['LISTEN_PID'] !== String(pid)) return { sockets: [], problems: [] };
  if (!/^[1-9][0-9]{0,3}$/.test(count))
    return { sockets: [], problems: [`LISTEN_FDS is not a number of sockets: ${JSON.stringify(count)}`] };

  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const sockets: InheritedSocket[] = [];
  const problems: string[] = [];
  for (let index = 0; index < Number(count); index++) {
    const fd = firstFd + index;
    const name = names[index] || 'unknown';
    if (isSocket(fd)) sockets.push({ name, fd });
    else problems.push(`descriptor ${fd} (${name}) was announced by LISTEN_FDS but is not an open socket`);
  }
  return { sockets, problems };
}

/** `env` without what the service manager meant for the main process alone. */
export function childEnvironment(env: Environment): Record<string, string> {
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !isForMainProcess(name)) child[name] = value;
  }
  return child;
}

function isForMainProcess(name: string): boolean {
  return (serviceManagerVariables as readonly string[]).includes(name);
}

function isOpenSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
