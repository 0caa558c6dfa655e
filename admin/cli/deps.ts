import { text } from 'node:stream/consumers';
import type { Problem } from '../../gateway/snapshot/problem.ts';

/** What the command line is given by the program that starts it. */
export type CliDeps = {
  readonly version: string;
  /** Runs the appliance until it is told to stop; a number is the exit code. */
  readonly run: (options: { readonly settings?: string }) => Promise<number | void>;
  /** Runs the demo until it is told to stop; a number is the exit code. */
  readonly demo: (options: { readonly fresh: boolean }) => Promise<number | void>;
  /** Checks files and folders of objects; `-` is standard input. Throws a CliError where a cluster cannot be read. */
  readonly validate: (paths: string[], options: ValidateOptions) => Promise<ValidateResult>;
  /** Where the page of a problem's code is. */
  readonly pageOf?: (code: string) => string;
  /** Whether a settings file may have this key at its top; absent: every key may be one. */
  readonly isSettingsKey?: (key: string) => boolean;
  /** Checks the text of a settings file. */
  readonly validateSettings: (text: string, file: string) => readonly SettingsFault[];
  /** Given by tests; the process's own otherwise. */
  readonly io?: CliIo;
};

export type ValidateOptions = {
  readonly stdin: () => Promise<string>;
  /** Of objects that name none; absent: that of the kubeconfig's context, or `default`. */
  readonly namespace?: string;
  /** Settings of the gateway that the objects are for; absent: the defaults. */
  readonly settings?: string;
  /** The cluster that the objects are laid over; absent: they are looked at alone. */
  readonly against?: { readonly kubeconfig: string; readonly context?: string };
};

export type ValidateResult = {
  readonly problems: readonly Problem[];
  readonly objects: number;
  readonly files: number;
};

/** One fault of a settings file, as the settings parser reports it. */
type SettingsFault = {
  readonly field: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** Where the command line reads and writes. */
export type CliIo = {
  /** Results. */
  readonly out: (text: string) => void;
  /** Messages for people. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Everything that is written to standard input. */
  readonly stdin: () => Promise<string>;
  /** Whether results go to a terminal. */
  readonly isTerminal: boolean;
};

/** The process's own streams. A reader that goes away (`| head`) ends the output, not in an error. */
export function processIo(): CliIo {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    stdin: () => text(process.stdin),
    isTerminal: process.stdout.isTTY,
  };
}
