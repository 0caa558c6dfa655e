/**
 * The demo behind `npm start`: the example, its two pages and a certificate in one folder, served by the real program.
 * Promises to leave nothing running and nothing outside `.demo/`; never serves traffic itself.
 * Called by the command line, which passes it the supervisor to start.
 */
import { formatSettingsProblem, loadSettings, type Settings } from '../../config/settings.ts';
import { startBackends } from './backends-child.ts';
import { type DemoFolder, prepareFolder } from './folder.ts';
import { demoTable } from './table.ts';
import { takenPorts } from './taken-ports.ts';

/** All that is on disk before anything listens. */
export type DemoPlan = { readonly folder: DemoFolder; readonly settings: Settings };

/** The running gateway, as the supervisor's own `startSupervisor` returns it. */
export type RunningGateway = { stop(reason: string): void; readonly ended: Promise<number> };

export type DemoOptions = {
  /** Where `.demo/` goes: the folder that the demo is started in. */
  readonly root: string;
  /** Throws away the `.demo/` of earlier runs. */
  readonly fresh?: boolean;
  /** Starts all roles and handles SIGINT and SIGTERM; calls `onReady` once traffic is served. */
  readonly startSupervisor: (options: { settings: Settings; onReady: () => void }) => RunningGateway;
  readonly print?: (text: string) => void;
};

/** Creates what is missing in `.demo/` and reads its settings. Throws an Error with a sentence for people. */
export async function prepareDemo(root: string, options: { readonly fresh?: boolean } = {}): Promise<DemoPlan> {
  const folder = await prepareFolder(root, { fresh: options.fresh ?? false });
  const result = await loadSettings(folder.settingsFile, {});
  if ('problems' in result) {
    const list = result.problems.map((problem) => `  ${formatSettingsProblem(problem)}`).join('\n');
    throw new Error(`The demo's settings have mistakes (\`npm start -- --fresh\` makes new ones):\n${list}`);
  }
  return { folder, settings: result.settings };
}

/** Runs the demo until it is stopped; resolves with the exit code. Throws an Error with a sentence for people. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { folder, settings } = await prepareDemo(options.root, options);
  await refuseTakenPorts(folder, settings);
  const print = options.print ?? ((text) => void process.stdout.write(text));
  const backends = await startBackends(folder.backendsFile);
  try {
    const onReady = (): void => print(demoTable(folder, settings, options.root));
    return await options.startSupervisor({ settings, onReady }).ended;
  } finally {
    await backends.stop();
  }
}

async function refuseTakenPorts(folder: DemoFolder, settings: Settings): Promise<void> {
  const nodePorts = settings.ports.flatMap((mapping) => mapping.nodePorts);
  const taken = await takenPorts([
    ...[...new Set(nodePorts)].map((port) => ({ address: settings.address, port })),
    settings.admin,
    settings.health,
    settings.metrics,
  ]);
  if (taken.length === 0) return;
  const list = taken.map(({ port, code }) => (code === 'EADDRINUSE' ? `${port}` : `${port} (${code})`)).join(', ');
  const subject = taken.length === 1 ? `Port ${list} is` : `The ports ${list} are`;
  throw new Error(
    `${subject} taken by another program (\`ss -ltnp\` names it; is another mesh-gateway running?). Stop it, or choose other ports in ${folder.settingsFile}.`,
  );
}
