/**
 * The command line with everything it can start: the appliance, the demo, offline validation.
 * It holds no logic of its own; what people type is understood in `admin/cli`.
 */
import path from 'node:path';
import { runCli } from '#admin/cli/cli.ts';
import type { ValidateOptions } from '#admin/cli/deps.ts';
import { CliError, exitCodes } from '#admin/cli/exit-codes.ts';
import { formatSettingsProblem, loadSettings, parseSettings, type Settings } from '#config/settings.ts';
import type { GatewayIdentity } from '../control/build/builder.ts';
import type { AnalyzeOptions } from '../control/resource/analyze/options.ts';
import type { Reading, Validation } from '../control/validate-paths.ts';
import { gatewayIdentity } from './gateway-identity.ts';
import { programVersion } from './program-version.ts';

/** Resolves with the exit code. Each command loads only what it needs: `get` must not pay for the supervisor. */
export function runCommandLine(argv: readonly string[]): Promise<number> {
  return runCli(argv, {
    version: programVersion(),
    run,
    demo: async ({ fresh }) => {
      const [{ runDemo }, { startSupervisor }] = await Promise.all([
        import('../demo/demo.ts'),
        import('./supervisor.ts'),
      ]);
      return runDemo({ root: process.cwd(), fresh, startSupervisor });
    },
    validate,
    pageOf: (code) => path.join(programDir, 'docs/problems', `${code}.md`),
    isSettingsKey: (key) => Object.hasOwn(defaultSettings(), key),
    validateSettings: (text, file) => {
      const result = parseSettings(text, file, {});
      return 'problems' in result ? result.problems : [];
    },
  });
}

const programDir = path.join(import.meta.dirname, '../..');

async function validate(paths: readonly string[], options: ValidateOptions): Promise<Validation> {
  const { settings: file, against, ...reading } = options;
  const settings = file === undefined ? undefined : await readSettings(file);
  if (against !== undefined) return validateInCluster(paths, against, settings, reading);
  const { validatePaths } = await import('../control/validate-paths.ts');
  const identity = settings && gatewayIdentity(settings);
  return validatePaths(paths, identity && analyzeOptions(identity), reading);
}

async function validateInCluster(
  paths: readonly string[],
  login: NonNullable<ValidateOptions['against']>,
  settings: Settings | undefined,
  reading: Reading,
): Promise<Validation> {
  const [{ validateAgainst }, { ApiError }] = await Promise.all([
    import('../control/validate-against.ts'),
    import('../control/kubernetes/api-error.ts'),
  ]);
  try {
    return await validateAgainst(paths, login, gatewayIdentity(settings ?? defaultSettings()), reading);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CliError(exitCodes.unreachable, `The cluster cannot be read: ${error.message}`);
  }
}

/** The part of an appliance's identity that a look at objects alone needs. */
function analyzeOptions(identity: GatewayIdentity): Partial<AnalyzeOptions> {
  const { namespace, rootNamespace, labels, ports, acceptUnenforced = [] } = identity;
  const nodePorts = ports.flatMap(({ nodePorts: own }) => own).map((port) => ({ port, purpose: 'a port for traffic' }));
  const root = rootNamespace === undefined ? {} : { rootNamespace };
  return { gatewayNamespace: namespace, ...root, gatewayLabels: labels, nodePorts, acceptUnenforced };
}

function defaultSettings(): Settings {
  const result = parseSettings(undefined, 'the defaults', {});
  if ('problems' in result) throw new Error('the default settings have mistakes');
  return result.settings;
}

async function readSettings(file: string): Promise<Settings> {
  const result = await loadSettings(file, process.env);
  if (!('problems' in result)) return result.settings;
  throw new CliError(exitCodes.usage, result.problems.map(formatSettingsProblem).join('\n'));
}

async function run({ settings: file }: { readonly settings?: string }): Promise<number> {
  const result = await loadSettings(file, process.env);
  if ('problems' in result) {
    throw new Error(
      `the settings have mistakes; nothing was started:\n${result.problems.map((problem) => `  ${formatSettingsProblem(problem)}`).join('\n')}`,
    );
  }
  const { startSupervisor } = await import('./supervisor.ts');
  return startSupervisor({ settings: result.settings }).ended;
}
