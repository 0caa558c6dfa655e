import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeNames } from './node-names.ts';
import { CREDENTIAL_NAME, prepareTls } from './tls-files.ts';

const EXAMPLE = fileURLToPath(new URL('../../config/examples/myapp/', import.meta.url));

/** The demo's one folder, relative to where it is started. Git ignores it. */
const DEMO_FOLDER = '.demo';

/** Longest path of a unix socket (sockaddr_un has 108 bytes, one for the closing zero). */
const LONGEST_SOCKET_PATH = 107;

export type DemoFolder = {
  readonly path: string;
  readonly settingsFile: string;
  readonly caFile: string;
  /** The Gateway, DestinationRule and VirtualService: the file that a shift edits. */
  readonly routesFile: string;
  /** The Pods; the demo serves a page for each. */
  readonly backendsFile: string;
  readonly adminSocket: string;
};

/** Creates what is missing and keeps what people changed; `fresh` begins with an empty folder. */
export async function prepareFolder(root: string, options: { readonly fresh: boolean }): Promise<DemoFolder> {
  const path = join(root, DEMO_FOLDER);
  const routes = join(path, 'routes');
  const adminSocket = join(path, 'run', 'admin.sock');
  refuseLongPath(adminSocket);
  await refuseSecondDemo(adminSocket);
  if (options.fresh) await rm(path, { recursive: true, force: true });
  await mkdir(routes, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);

  const settingsFile = join(path, 'gateway.yaml');
  const routesFile = join(routes, 'app-gateway.yaml');
  const backendsFile = join(routes, 'backends.yaml');
  await createFile(settingsFile, SETTINGS);
  await createFile(routesFile, withHttpsServer(await readFile(join(EXAMPLE, 'app-gateway.yaml'), 'utf8')));
  await createFile(join(routes, 'service.yaml'), await readFile(join(EXAMPLE, 'service.yaml'), 'utf8'));
  await createFile(backendsFile, await readFile(join(EXAMPLE, 'backends.yaml'), 'utf8'));
  const names = nodeNames();
  const { caFile } = await prepareTls({ folder: path, secretFile: join(routes, 'certificate.yaml'), names });
  return { path, settingsFile, caFile, routesFile, backendsFile, adminSocket };
}

/** The example's Gateway with a second server: HTTPS on 443 for the same hosts. All other lines stay as they are. */
export function withHttpsServer(manifest: string): string {
  const httpServer = /^ {2}- port:\n {6}number: 80\n(?: {6}.*\n)* {4}hosts:\n {4}- "\*"\n/m;
  if (!httpServer.test(manifest)) throw new Error('the example has no HTTP server on port 80 for the host "*"');
  return manifest.replace(httpServer, (server) => `${server}${HTTPS_SERVER}`);
}

const HTTPS_SERVER = `  - port:
      number: 443
      name: https
      protocol: HTTPS
    tls:
      mode: SIMPLE
      credentialName: ${CREDENTIAL_NAME}
    hosts:
    - "*"
`;

const SETTINGS = `# Settings of the demo, which \`npm start\` reads; config/gateway.yaml explains all there are.
# The file stays as you leave it; \`npm start -- --fresh\` makes everything here anew. Relative paths start here.
source:
  folder: routes
stateDir: state
runtimeDir: run
accessLog:
  file: access.log
log:
  level: warn

# The demo's pages are served on loopback addresses of this machine.
destinations:
  allowLoopback: true

# Choose others when they are taken.
ports:
  80: 31380
  443: 31390
admin:
  port: 15000
health:
  port: 15021
metrics:
  port: 15090
`;

async function createFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function refuseLongPath(adminSocket: string): void {
  const bytes = Buffer.byteLength(adminSocket);
  if (bytes <= LONGEST_SOCKET_PATH) return;
  throw new Error(
    `The path of this folder is too long for the admin socket: ${adminSocket} has ${bytes} bytes, and ${LONGEST_SOCKET_PATH} is the most the kernel takes. Start the demo from a shorter path.`,
  );
}

/** A socket that answers belongs to a demo that runs: two of them would fight over the folder. */
function refuseSecondDemo(adminSocket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = connect(adminSocket);
    probe.once('error', () => resolve());
    probe.once('connect', () => {
      probe.destroy();
      reject(new Error(`A demo already runs in this folder (${adminSocket} answers). Stop it with Ctrl-C there.`));
    });
  });
}
