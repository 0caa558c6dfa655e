import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../../admin/cli/cli.ts';
import type { CliDeps, CliIo } from '../../../admin/cli/deps.ts';

/** The command as npm links it. */
export const BIN = fileURLToPath(new URL('../../../admin/cli/bin.js', import.meta.url));

export type Outcome = { readonly code: number; readonly out: string; readonly err: string };

/** Runs the real command in a process of its own. */
export function runBin(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly node?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.node ?? process.execPath, [BIN, ...args], {
      cwd: options.cwd ?? '/',
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, out, err }));
  });
}

/** Runs the command line in this process with whatever `deps` and `io` a test gives. */
export async function runHere(
  args: readonly string[],
  more: { readonly deps?: Partial<CliDeps>; readonly io?: Partial<CliIo> } = {},
): Promise<Outcome> {
  const written = { out: '', err: '' };
  const io: CliIo = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    env: {},
    cwd: '/',
    stdin: async () => '',
    isTerminal: false,
    ...more.io,
  };
  const code = await runCli(args, {
    version: '0.1.0',
    run: async () => {},
    demo: async () => {},
    validate: async () => ({ problems: [], objects: 0, files: 0 }),
    validateSettings: () => [],
    ...more.deps,
    io,
  });
  return { code, ...written };
}
