/**
 * The command line with everything it can start: the appliance, the demo, offline validation.
 * It holds no logic of its own; what people type is understood in `admin/cli`.
 */
import { runCli } from '#admin/cli/cli.ts';
import { formatSettingsProblem, loadSettings, parseSettings } from '#config/settings.ts';
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
    validate: async (paths) => (await import('../control/validate-paths.ts')).validatePaths(paths),
    validateSettings: (text, file) => {
      const result = parseSettings(text, file, {});
      return 'problems' in result ? result.problems : [];
    },
  });
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
