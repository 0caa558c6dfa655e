/**
 * Promises the command line `mesh-gateway`: results on stdout, messages on stderr, the exit codes of `exit-codes.ts`.
 * Never exits the process and never knows how the appliance runs: that comes with `deps`.
 * Called by the program's entry.
 */
import { CommanderError } from 'commander';
import { createProgram } from './commands.ts';
import { type CliDeps, processIo } from './deps.ts';
import { CliError, exitCodes } from './exit-codes.ts';

/** Runs one command line (without node and script) and resolves with its exit code; never rejects. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const io = deps.io ?? processIo();
  let exitCode: number = exitCodes.ok;
  const program = createProgram(deps, io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message already; help and version end with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const message = error instanceof Error ? error.message : String(error);
    io.err(`mesh-gateway: ${message}\n`);
    return error instanceof CliError ? error.exitCode : exitCodes.failed;
  }
}
