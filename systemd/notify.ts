/**
 * Tells the service manager how this process is: ready, reloading, stopping, alive (sd_notify(3)).
 * It never throws and never waits for an answer; without NOTIFY_SOCKET every call does nothing.
 * Called by the supervisor only: the unit has NotifyAccess=main, so a message of a child would be rejected.
 */
import { datagramSender } from './datagram.ts';

export type Notifier = {
  /** How messages travel. `program` needs a unit with NotifyAccess=all and WatchdogSec=0: see `programNotifier`. */
  readonly road: 'socket' | 'program' | 'none';
  /** READY=1: the start (or the reload announced by `reloading`) is finished. */
  ready(status?: string): void;
  /** STATUS=: the one line that `systemctl status` shows. */
  status(text: string): void;
  /** WATCHDOG=1: call it at least every `watchdogIntervalMs`. */
  watchdog(): void;
  /** RELOADING=1; must be followed by `ready`. */
  reloading(status?: string): void;
  /** STOPPING=1: the orderly end began. */
  stopping(status?: string): void;
  /** MAINPID= with READY=1: from here on that process is the service; messages of this one are ignored. */
  mainPid(pid: number): void;
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The notifier that `env` allows. `onFailure` hears of a message that could not be sent (socket gone, queue full).
 * `send` replaces the road over node:ffi; null says that there is none.
 */
export function openNotifier(
  env: Environment,
  onFailure: (message: string) => void = () => {},
  send?: ((address: string, message: string) => boolean) | null,
): Notifier {
  const address = env['NOTIFY_SOCKET'];
  if (!address) return notifierOver('none', () => {});
  // node:ffi is loaded only for a service manager that listens: Node warns of it
  const deliver = send === undefined ? datagramSender() : send;
  if (deliver === null) return programNotifier(onFailure);
  return notifierOver('socket', (message) => {
    if (!deliver(address, message)) onFailure(`the service manager did not take: ${message.split('\n')[0] ?? ''}`);
  });
}

/**
 * Every how many milliseconds `watchdog()` is due: half of what the unit allows (sd_watchdog_enabled(3)).
 * Undefined when no watchdog waits for this process.
 */
export function watchdogIntervalMs(env: Environment, pid: number = process.pid): number | undefined {
  const usec = env['WATCHDOG_USEC'] ?? '';
  if (!/^[1-9][0-9]{0,15}$/.test(usec)) return undefined;
  const forPid = env['WATCHDOG_PID'];
  if (forPid !== undefined && forPid !== '' && forPid !== String(pid)) return undefined;
  return Math.max(1, Math.floor(Number(usec) / 2000));
}

function notifierOver(road: Notifier['road'], send: (message: string) => void): Notifier {
  return {
    road,
    ready: (status) => send(withStatus('READY=1', status)),
    status: (text) => send(`STATUS=${oneLine(text)}`),
    watchdog: () => send('WATCHDOG=1'),
    // systemd 253 and later compare the time with that of their signal; older ones ignore the field
    reloading: (status) => send(withStatus(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, status)),
    stopping: (status) => send(withStatus('STOPPING=1', status)),
    mainPid: (pid) => send(`MAINPID=${pid}\nREADY=1`),
  };
}

/**
 * Where node:ffi is missing: the package systemd-notify, which starts systemd's program for each message. It knows
 * READY, STATUS and MAINPID, and the sender is a child: the unit needs a drop-in with NotifyAccess=all and WatchdogSec=0.
 */
function programNotifier(onFailure: (message: string) => void): Notifier {
  // one after the other: the last STATUS must be the last to arrive
  let last: Promise<unknown> = Promise.resolve();
  const run = (options: { ready?: boolean; status?: string; pid?: number }): void => {
    last = last
      .then(() => import('systemd-notify'))
      .then(({ default: notify }) => notify(options))
      .catch((error: unknown) => onFailure(`systemd-notify failed: ${String(error)}`));
  };
  const status = (text: string | undefined): { status?: string } =>
    text === undefined ? {} : { status: oneLine(text) };
  return {
    road: 'program',
    ready: (text) => run({ ready: true, ...status(text) }),
    status: (text) => run(status(text)),
    watchdog: () => {},
    reloading: (text) => run(status(text ?? 'reloading')),
    stopping: (text) => run(status(text ?? 'stopping')),
    mainPid: (pid) => run({ ready: true, pid }),
  };
}

function withStatus(message: string, status: string | undefined): string {
  return status === undefined ? message : `${message}\nSTATUS=${oneLine(status)}`;
}

/** A line break would begin another assignment. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]+/g, ' ');
}
