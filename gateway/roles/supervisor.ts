/**
 * The supervisor: binds or inherits the listening sockets, keeps control and the workers alive, talks to the
 * service manager. It parses no traffic and no routes, holds no keys, and never accepts a connection.
 * Started by `mesh-gateway run` and by the demo.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '#config/settings.ts';
import { childEnvironment, inheritedSockets } from '#systemd/listen-fds.ts';
import { openNotifier, watchdogIntervalMs } from '#systemd/notify.ts';
import { onUsr1 } from '#systemd/signals.ts';
import type { Problem } from '../snapshot/problem.ts';
import { recoverManifest } from '../snapshot/recover-manifest.ts';
import { Child } from '../supervisor/child.ts';
import { ControlChild } from '../supervisor/control-child.ts';
import { BindError, bindSocket, type ListeningSocket, selfTest } from '../supervisor/listening-socket.ts';
import type { FromControl, FromWorker, ToControl, ToWorker } from '../supervisor/messages.ts';
import { Publication } from '../supervisor/publication.ts';
import { type SocketFailure, SocketSet } from '../supervisor/socket-set.ts';
import { StatisticsRounds } from '../supervisor/statistics-round.ts';
import { WorkerPool } from '../supervisor/worker-pool.ts';
import { openLog } from '../telemetry/log.ts';
import { roleStatistics } from '../telemetry/process-statistics.ts';
import { ticketKeys } from './ticket-keys.ts';

const HEARTBEAT_MS = 1_000;
const WORKER_SILENT_MS = 5_000;
const WORKER_START_MS = 30_000;
const CONTROL_SILENT_MS = 30_000;
/**
 * Collecting garbage must not hold requests up. A small nursery: with that of Node's own size a collection of it took up
 * to 25 ms while versions came. One helping thread: four of each process took the cores from the other workers. The heap
 * may double before all of it is collected: under a storm of changes that comes every half minute instead of every three
 * seconds, and memory is less than with the large nursery. And then the helping thread marks what lives, not the one that
 * serves: it spent up to 90 of 120 ms on that.
 */
const WORKER_MEMORY = [
  '--max-semi-space-size=4',
  '--v8-pool-size=1',
  '--heap-growing-percent=100',
  '--no-incremental-marking-task',
];
/**
 * Control keeps much and hurries little. A small nursery and early collections bound its memory in a large cluster: 500 MB
 * instead of 650 with 50,000 endpoints, for a fifth more of its CPU at the start. Four helping threads were more than two
 * cores have room for: the start took longer with them. `gc` is for `idle-collector.ts`.
 */
const CONTROL_MEMORY = ['--max-semi-space-size=8', '--v8-pool-size=2', '--heap-growing-percent=50', '--expose-gc'];
const ENTRY = fileURLToPath(new URL('../main.ts', import.meta.url));

export type SupervisorOptions = {
  readonly settings: Settings;
  /** Called once, when every worker serves the first snapshot on every port. */
  readonly onReady?: () => void;
};

export type RunningSupervisor = {
  /** Orderly end: what is in flight finishes within the drain time. */
  stop(reason: string): void;
  /** Exit code, once everything has ended. */
  readonly ended: Promise<number>;
};

/** Starts all roles. Throws an Error with one sentence for people when that is impossible from the outset. */
export function startSupervisor(options: SupervisorOptions): RunningSupervisor {
  const broken = selfTest();
  if (broken !== undefined) throw new Error(`Listening sockets cannot be shared with workers: ${broken}.`);
  const log = openLog({ role: 'supervisor', level: options.settings.log.level });
  const notifier = openNotifier(process.env, (message) => log.warn({}, message));
  const inherited = inheritedSockets(process.env);
  for (const problem of inherited.problems) log.warn({}, problem);
  const sockets = new SocketSet({
    address: options.settings.address,
    inheritedFds: inherited.sockets.map((socket) => socket.fd),
  });
  const settings = withCredentials(withInheritedPorts(options.settings, sockets.inheritedPorts), process.env);
  prepareRuntimeDir(settings.runtimeDir);
  const watchdogMs = watchdogIntervalMs(process.env);
  const childEnv = cleanEnvironment(childEnvironment(process.env));
  let healthSocket = openHealthSocket(settings);
  const rounds = new StatisticsRounds();
  const keys = ticketKeys();
  let stopping = false;
  let ready = false;
  let toldProblems = '';
  let sourceDetail = 'control has not told yet';
  let finish: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    finish = resolve;
  });

  const publication: Publication = new Publication({
    manifest: recoverManifest(settings),
    subscribers: () => pool.subscribers(),
    answer: (message) => control.send(message),
    onCommit: () => undefined,
  });

  const pool: WorkerPool = new WorkerPool({
    count: settings.workers,
    spawn: (callbacks) =>
      new Child<ToWorker, FromWorker>({
        role: 'worker',
        entry: ENTRY,
        env: childEnv,
        execArgv: ['--disable-sigusr1', ...WORKER_MEMORY],
        ...callbacks,
      }),
    initMessage: (index, manifest) => ({ type: 'init', settings, index, ticketKeys: keys, manifest }),
    sockets,
    healthSocket: () => healthSocket.socket,
    publication: () => publication,
    onChange: () => workersChanged(),
    onCollected: (index, message) => rounds.collected(message.id, index, message.file),
    onUnloadable: () => control.send({ type: 'rebuild' }),
    onAllGone: () => void allGone(),
    log: (level, message, fields) => log[level](fields, message),
  });

  const control: ControlChild = new ControlChild({
    spawn: (callbacks) =>
      new Child<ToControl, FromControl>({
        role: 'control',
        entry: ENTRY,
        env: childEnv,
        execArgv: ['--disable-sigusr1', ...CONTROL_MEMORY],
        ...callbacks,
      }),
    initMessage: () => ({ type: 'init', settings, manifest: publication.manifest, inherited: sockets.inheritedPorts }),
    onMessage: (message) => fromControl(message),
    onExit: () => {
      publication.abandon();
      tellSource('control is being started again; what was published is served');
    },
    log: (level, message, fields) => log[level](fields, message),
  });

  function fromControl(message: FromControl): void {
    switch (message.type) {
      case 'ready':
        control.send({ type: 'workers', workers: pool.statuses() });
        control.send({ type: 'problems', problems: problems() });
        break;
      case 'publish':
        openPorts([...settings.ports.flatMap((mapping) => mapping.nodePorts), ...message.nodePorts]);
        publication.begin(message);
        break;
      case 'collect':
        collect(message.id);
        break;
      case 'source':
        tellSource(message.detail);
        break;
      case 'pong':
        break;
    }
  }

  /** Workers that start later are told with the next heartbeat. */
  function tellSource(detail: string): void {
    sourceDetail = detail;
    pool.broadcast({ type: 'source', detail });
  }

  function openPorts(wanted: readonly number[]): void {
    pool.socketsChanged(sockets.reconcile([...new Set(wanted)]));
    control.send({ type: 'problems', problems: problems() });
  }

  /** A port may be freed, and a crash loop may end, without anything else that happens. */
  function review(): void {
    if (sockets.failures.length > 0 && !stopping) pool.socketsChanged(sockets.retry());
    if (healthSocket.failure !== undefined && !stopping) {
      healthSocket = openHealthSocket(settings);
      pool.healthOpened();
    }
    const list = problems();
    const text = JSON.stringify(list);
    if (text === toldProblems) return;
    toldProblems = text;
    control.send({ type: 'problems', problems: list });
  }

  function collect(id: number): void {
    const own = writeOwnStatistics();
    const asked = pool.collect(id, (worker) =>
      path.join(settings.runtimeDir, 'statistics', `worker-${worker.index}-${worker.pid}.json`),
    );
    rounds.begin(id, own, asked, (files) => control.send({ type: 'collected', id, files }));
  }

  /** A full disk costs people a figure, never the program. */
  function writeOwnStatistics(): Record<string, string> {
    const folder = path.join(settings.runtimeDir, 'statistics');
    const file = path.join(folder, 'supervisor.json');
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, JSON.stringify(roleStatistics('supervisor')), { mode: 0o600 });
      return { supervisor: file };
    } catch (error) {
      log.warn({ error }, 'statistics cannot be written');
      return {};
    }
  }

  function workersChanged(): void {
    const statuses = pool.statuses();
    control.send({ type: 'workers', workers: statuses });
    control.send({ type: 'problems', problems: problems() });
    const serving = statuses.filter((worker) => worker.state === 'serving' && worker.version > 0);
    notifier.status(
      `${serving.length} of ${statuses.length} workers serve version ${publication.manifest?.version ?? 0}`,
    );
    if (!ready && pool.openWorkers === settings.workers) {
      ready = true;
      log.info({ version: publication.manifest?.version, ports: sockets.ports }, 'serving');
      notifier.ready();
      options.onReady?.();
    }
  }

  function problems(): Problem[] {
    const failures =
      healthSocket.failure === undefined ? sockets.failures : [...sockets.failures, healthSocket.failure];
    const found: Problem[] = failures.map((failure) => ({
      severity: 'error',
      code: 'MG0901',
      message: [
        `Port ${failure.port} cannot be opened on this node (${failure.code}).`,
        ...(BIND_ADVICE[failure.code] ?? []),
        'It is tried again every second.',
      ].join(' '),
    }));
    if (pool.isLooping())
      found.push({
        severity: 'error',
        code: 'MG0902',
        message:
          'Workers died three times within ten seconds and are restarted ever more slowly. The log has their last words.',
      });
    if (control.isLooping())
      found.push({
        severity: 'error',
        code: 'MG0903',
        message:
          'Control died three times within ten seconds and is restarted ever more slowly; traffic goes on with the last version. The log has its last words.',
      });
    return found;
  }

  function stop(reason: string): void {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    notifier.stopping();
    setTimeout(() => pool.killAll(), settings.timeouts.drainMs + 2_000).unref();
    pool.drain();
  }

  /** Control goes last: it tells people what drains until the end. */
  async function allGone(): Promise<void> {
    await control.stop(2_000);
    clearInterval(heartbeat);
    clearInterval(watchdog);
    sockets.closeAll();
    healthSocket.socket?.close();
    removeSignalHandlers();
    finish(0);
  }

  const heartbeat = setInterval(() => {
    pool.heartbeat({ silentMs: WORKER_SILENT_MS, startMs: WORKER_START_MS });
    pool.broadcast({ type: 'source', detail: sourceDetail });
    control.heartbeat(CONTROL_SILENT_MS);
    // Connection counts change all the time; once a second is enough for people.
    control.send({ type: 'workers', workers: pool.statuses() });
    review();
  }, HEARTBEAT_MS);
  const watchdog = watchdogMs === undefined ? undefined : setInterval(() => notifier.watchdog(), watchdogMs);
  const removeSignalHandlers = onSignals({
    SIGTERM: () => stop('SIGTERM'),
    SIGINT: () => stop('SIGINT'),
  });

  onUsr1(() => {
    pool.broadcast({ type: 'reopen-logs' });
    control.send({ type: 'reopen-logs' });
  });

  sockets.reconcile(settings.ports.flatMap((mapping) => mapping.nodePorts));
  for (const failure of sockets.failures) log.error(failure, `port ${failure.port} cannot be opened`);
  if (healthSocket.failure !== undefined)
    log.error(healthSocket.failure, `health checks are not answered: port ${settings.health.port} cannot be opened`);
  pool.start();
  control.start();
  return { stop, ended };
}

const BIND_ADVICE: Readonly<Record<string, readonly string[]>> = {
  EADDRINUSE: [
    'Another program has it: `ss -ltnp` names it. Stop it, or map another node port under `ports:` in the settings.',
  ],
  EACCES: [
    'Ports below 1024 need a .socket unit, which systemd opens for the service; or map a higher node port under `ports:` in the settings.',
  ],
};

/** A port that a .socket unit hands over serves the Gateway port of the same number, though the settings do not name it (80, 443). */
function withInheritedPorts(settings: Settings, inherited: readonly number[]): Settings {
  const mapped = new Set(settings.ports.flatMap((mapping) => mapping.nodePorts));
  const ports = settings.ports.map((mapping) =>
    inherited.includes(mapping.gatewayPort) && !mapped.has(mapping.gatewayPort)
      ? { ...mapping, nodePorts: [...mapping.nodePorts, mapping.gatewayPort] }
      : mapping,
  );
  return { ...settings, ports };
}

/** Children see no environment, so the folder of LoadCredential= is put into the settings. */
function withCredentials(settings: Settings, env: NodeJS.ProcessEnv): Settings {
  const { source } = settings;
  const name = source.kind === 'kubernetes' ? /^credential:(.*)$/.exec(source.kubeconfig)?.[1] : undefined;
  if (source.kind !== 'kubernetes' || name === undefined) return settings;
  const folder = env['CREDENTIALS_DIRECTORY'] ?? '/run/credentials/mesh-gateway.service';
  return { ...settings, source: { ...source, kubeconfig: path.join(folder, name) } };
}

function prepareRuntimeDir(runtimeDir: string): void {
  mkdirSync(path.join(runtimeDir, 'snapshot'), { recursive: true, mode: 0o700 });
  rmSync(path.join(runtimeDir, 'statistics'), { recursive: true, force: true });
  mkdirSync(path.join(runtimeDir, 'statistics'), { mode: 0o700 });
}

/** Children get what names, places and locale need, and nothing else of what the operator's shell or unit holds. */
function cleanEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['PATH', 'TZ', 'LANG', 'LC_ALL', 'LC_CTYPE', 'HOME', 'TMPDIR', 'NODE_V8_COVERAGE'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.includes(name)));
}

function openHealthSocket({ health }: Settings): { socket?: ListeningSocket; failure?: SocketFailure } {
  try {
    return { socket: bindSocket(health.address, health.port) };
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    return { failure: { port: error.port, code: error.code } };
  }
}

function onSignals(handlers: Partial<Record<NodeJS.Signals, () => void>>): () => void {
  const entries = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
  };
}
