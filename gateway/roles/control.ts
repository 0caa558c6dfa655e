/**
 * Control: reads the source, builds, publishes, serves the admin API and the metrics. It may crash or hang: the
 * supervisor starts it again, and traffic goes on with what was published. Started by the supervisor, with which it
 * talks over IPC; ends when that channel closes.
 */
import path from 'node:path';
import { startMetrics } from '#admin/metrics/server.ts';
import { startAdmin } from '#admin/server.ts';
import type { AdminBackend, WorkerView } from '#admin/views.ts';
import type { Settings } from '#config/settings.ts';
import { Shifter } from '../control/change/shift.ts';
import { Controller, type Round } from '../control/controller.ts';
import { Evaluator } from '../control/evaluator.ts';
import type { NodeRecord } from '../control/nodes/node-record.ts';
import { Publisher } from '../control/publish/publisher.ts';
import { AcceptedJournal } from '../control/source/accepted-journal.ts';
import { KeptPolicyReads } from '../control/source/kept-policy-reads.ts';
import { ObjectStore } from '../control/source/object-store.ts';
import type { SourceEvent } from '../control/source/source.ts';
import type { Problem } from '../snapshot/problem.ts';
import type { FromControl, ToControl } from '../supervisor/messages.ts';
import { goBehindOthers } from '../support/priority.ts';
import { type Logger, openLog } from '../telemetry/log.ts';
import { roleStatistics } from '../telemetry/process-statistics.ts';
import { createBackend } from './control-backend.ts';
import { describeSource } from './describe-source.ts';
import { gatewayIdentity } from './gateway-identity.ts';
import { IdleCollector } from './idle-collector.ts';
import { type OpenedSource, openSource } from './object-source.ts';
import { newerRevision, ownRecord } from './own-record.ts';
import { ProblemLog } from './problem-log.ts';
import { programVersion } from './program-version.ts';
import { ServedHash } from './served-hash.ts';
import { SupervisorPort } from './supervisor-port.ts';
import { Together } from './together.ts';

type Init = Extract<ToControl, { type: 'init' }>;
/** What listens beside traffic; closed on stop. */
type Service = { close(): Promise<void> };

/** Workers are told how the source fares this often, if it changed. */
const SOURCE_MS = 1_000;
/** Renewed certificate files are noticed this often. */
const CERTIFICATES_MS = 30_000;
/** Certificates come to expire without any change. */
const REVIEW_MS = 60 * 60_000;
/** Control gets a tenth of what a worker gets where they compete for a core: requests go first. */
const NICENESS = 10;
/** A port of ours that another program has is tried again after so long. */
const RETRY_LISTEN_MS = 5_000;

export function runControl(): void {
  let control: Control | undefined;
  process.on('message', (message) => {
    const order = message as ToControl;
    if (order.type === 'init') control = new Control(order);
    else control?.obey(order);
  });
  // The supervisor is gone, and the workers with it.
  process.on('disconnect', () => process.exit(0));
  // A terminal's Ctrl-C and the service manager's SIGTERM reach all processes; the supervisor decides what they mean.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

class Control {
  readonly #log: Logger;
  readonly #problemLog: ProblemLog;
  readonly #supervisor = new SupervisorPort(send);
  readonly #journal: AcceptedJournal;
  readonly #policyReads: KeptPolicyReads;
  readonly #publisher: Publisher;
  readonly #controller: Controller;
  readonly #opened: OpenedSource;
  /** Absent where objects come from a folder. */
  readonly #together: Together | undefined;
  readonly #servedHash = new ServedHash(() => this.#publisher.served);
  readonly #collector = new IdleCollector({
    heapUsed: () => process.memoryUsage().heapUsed,
    collect: globalThis.gc && (() => globalThis.gc?.()),
  });
  #resourceVersion: string | undefined;
  readonly #services: Service[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #workers: readonly WorkerView[] = [];
  #isReady = false;
  #isStopping = false;
  #toldSource = '';

  constructor(init: Init) {
    // The supervisor of this very program parsed it; both ends are one version of one type.
    const settings = init.settings as Settings;
    process.title = 'mesh-gateway: control';
    this.#log = openLog({ role: 'control', level: settings.log.level });
    const refusal = goBehindOthers(NICENESS);
    if (refusal !== undefined) this.#log.debug({ refusal }, 'control runs at the priority of workers');
    this.#problemLog = new ProblemLog(this.#log);
    this.#endOnDefects();
    roleStatistics('control');
    const { stateDir, runtimeDir } = settings;
    const kept = AcceptedJournal.open(stateDir, (problem) => this.#report('accepted', problem ? [problem] : []));
    this.#journal = kept.journal;
    this.#policyReads = new KeptPolicyReads({
      stateDir,
      whenObjectsAreKept: () => this.#journal.isKept(),
      onProblems: (problems) => this.#report('policy reads', problems),
    });
    // Objects that were lost may have been policies.
    const policiesRead = kept.problems.length === 0 ? this.#policyReads.load() : {};
    const store = new ObjectStore({ accepted: this.#journal.records(), keeper: this.#journal });
    const identity = gatewayIdentity(settings);
    const evaluator = new Evaluator(identity, Date.now);
    this.#publisher = new Publisher({
      runtimeDir,
      stateDir,
      manifest: init.manifest,
      fleet: this.#supervisor,
      onProblems: () => this.#controller?.changedProblems(),
    });
    this.#controller = new Controller({
      store,
      evaluator,
      publisher: this.#publisher,
      onRound: (round) => this.#roundEnded(round),
      onProblems: (problems) => this.#problemLog.update(problems),
      onDefect: (error) => this.#log.error({ error }, 'a change could not be worked in; what is served stays'),
    });
    this.#opened = openSource({
      settings,
      store,
      policiesRead,
      emit: (event) => this.#told(event),
      report: (from, problems) => this.#report(from, problems),
      log: this.#log,
    });
    this.#report('kept', kept.problems);
    const shifter = this.#createShifter(store, settings.node);
    const startedAt = Date.now();
    const own = ownRecord({
      node: settings.node,
      programVersion: programVersion(),
      startedAt,
      identity,
      namespaces: settings.source.kind === 'kubernetes' ? settings.source.namespaces : [],
      served: () => this.#publisher.served,
      snapshotHash: () => this.#servedHash.current,
      objects: () => store.size,
      resourceVersion: () => this.#resourceVersion,
      locality: () => evaluator.locality,
    });
    this.#together = this.#joinOthers(settings, store, own);
    const backend = createBackend({
      node: settings.node,
      startedAt,
      controller: this.#controller,
      publisher: this.#publisher,
      source: this.#opened.source,
      store,
      shifter,
      supervisor: this.#supervisor,
      workers: () => this.#workers,
      leader: () => this.#together?.leader,
      statusFigures: () => this.#together?.statusFigures,
      nodes: () => this.#together?.nodes() ?? [{ ...own(), state: 'here', leader: false, lastSeenAt: Date.now() }],
    });
    this.#serve(settings, backend);
    void this.#opened.source.start();
    this.#together?.start();
    this.#every(SOURCE_MS, () => this.#tellSource());
    this.#every(CERTIFICATES_MS, () => evaluator.needsAnother() && this.#controller.changed());
    this.#every(REVIEW_MS, () => this.#controller.changed());
  }

  obey(order: Exclude<ToControl, Init>): void {
    switch (order.type) {
      case 'applied':
      case 'refused':
      case 'collected':
        this.#supervisor.heard(order);
        break;
      case 'rebuild':
        this.#publisher.forgetBase();
        this.#controller.changed();
        break;
      case 'workers':
        this.#workers = order.workers;
        break;
      case 'problems':
        this.#report('supervisor', order.problems);
        break;
      case 'ping':
        send({ type: 'pong', id: order.id });
        break;
      case 'reopen-logs':
        // Control logs to stderr, which is not ours to open again.
        break;
      case 'stop':
        void this.#stop();
        break;
    }
  }

  #joinOthers(settings: Settings, store: ObjectStore, own: () => NodeRecord): Together | undefined {
    const { cluster } = this.#opened;
    if (cluster === undefined) return undefined;
    const report = (from: string, problems: readonly Problem[]): void => this.#report(from, problems);
    return new Together({ settings, cluster, store, controller: this.#controller, own, report, log: this.#log });
  }

  #told(event: SourceEvent): void {
    this.#controller.handle(event);
    this.#together?.changed(event);
    if (event.type === 'upsert') this.#resourceVersion = newerRevision(this.#resourceVersion, event.object.raw);
  }

  #createShifter(store: ObjectStore, node: string): Shifter {
    return new Shifter({
      objects: store,
      isQuarantined: (key) => this.#controller.isQuarantined(key),
      problems: () => this.#controller.problems,
      objections: (resource) => this.#controller.objections(resource),
      writer: this.#opened.writer,
      settled: () => this.#controller.settled(),
      fleet: () => this.#fleet(),
      node,
      onShift: (record) => this.#log.info({ ...record }, 'weights were written'),
    });
  }

  #fleet(): { served: number; newest: number; oldest: number; workers: number[] } {
    const serving = this.#workers.filter((worker) => worker.state === 'serving');
    const served = this.#publisher.served?.version ?? 0;
    return {
      served,
      newest: this.#publisher.newest.version,
      oldest: Math.min(served, ...serving.map((worker) => worker.version)),
      workers: serving.map((worker) => worker.index),
    };
  }

  #roundEnded({ outcome, policies }: Round): void {
    this.#collector.worked();
    if (outcome === 'applied' || outcome === 'unchanged') this.#policyReads.keep(policies.read);
    if (outcome === 'applied') {
      this.#log.info({ version: this.#publisher.served?.version }, 'a new version is served by all workers');
      this.#servedHash.changed();
    }
    if (this.#isReady || this.#publisher.served === undefined) return;
    this.#isReady = true;
    send({ type: 'ready' });
  }

  #report(from: string, problems: readonly Problem[]): void {
    this.#controller.report(from, problems);
  }

  #serve(settings: Settings, backend: AdminBackend): void {
    const common = { backend, programVersion: programVersion(), log: this.#log };
    const { admin, metrics, stateDir, runtimeDir } = settings;
    this.#keepListening('The admin socket', async () => {
      const server = await startAdmin({ ...common, admin, stateDir });
      this.#services.push(server);
      this.#keepListening('The TCP address of the admin API', () => server.listen());
    });
    const ledgerFile = path.join(runtimeDir, 'totals.json');
    this.#keepListening('The metrics page', async () => {
      this.#services.push(await startMetrics({ ...common, ...metrics, ledgerFile }));
    });
  }

  /** Traffic does not wait for these: while one cannot listen it is a Problem, and tried again. */
  #keepListening(what: string, open: () => Promise<unknown>): void {
    if (this.#isStopping) return;
    open().then(
      () => this.#report(what, []),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        const message = `${what} is not available: ${reason.replace(/\.$/, '')}. It is tried again every ${RETRY_LISTEN_MS / 1000} seconds.`;
        this.#report(what, [{ severity: 'error', code: 'MG0904', message }]);
        setTimeout(() => this.#keepListening(what, open), RETRY_LISTEN_MS).unref();
      },
    );
  }

  async #stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#collector.close();
    this.#opened.source.close();
    await Promise.all([
      this.#together?.stop().then(() => this.#opened.close()) ?? this.#opened.close(),
      this.#controller.close().then(() => this.#publisher.close()),
      ...this.#services.map((service) => service.close()),
    ]);
    await this.#policyReads.close();
    await this.#journal.close();
    process.exit(0);
  }

  #tellSource(): void {
    const detail = describeSource(this.#opened.source.status(), this.#publisher.newest);
    if (detail === this.#toldSource) return;
    this.#toldSource = detail;
    send({ type: 'source', detail });
  }

  #every(ms: number, action: () => unknown): void {
    this.#timers.push(setInterval(action, ms).unref());
  }

  /** State that an unforeseen exception leaves behind is not trusted: the next control starts from the files. */
  #endOnDefects(): void {
    const end = (error: unknown): void => {
      this.#log.fatal({ error }, 'unexpected exception; control ends and is started again');
      process.exit(1);
    };
    process.on('uncaughtException', end);
    process.on('unhandledRejection', end);
  }
}

function send(message: FromControl): void {
  if (process.connected) process.send?.(message);
}
