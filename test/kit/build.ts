/**
 * `npm run build`: puts together what an installation runs, from a checkout after `npm ci`: the sources as they are
 * (Node runs TypeScript), the production packages, the Node binary. Equal input gives an equal release id.
 * install.sh calls it as `build.ts --id` (print the id, change nothing) and `build.ts --to FOLDER`.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['gateway', 'admin', 'config', 'systemd', 'docs'];
const files = ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md'];
/** Of Node's own package only the binary is run. */
const leftOut = /^node_modules\/node-linux-[^/]+\/(include|share|CHANGELOG\.md|README\.md)(\/|$)/;

type Release = { readonly id: string; readonly files: readonly string[] };

const { values } = parseArgs({ options: { id: { type: 'boolean' }, to: { type: 'string' } } });
const release = describeRelease();
if (values.id) console.log(release.id);
else {
  const target = path.resolve(values.to ?? path.join(root, 'dist', 'mesh-gateway'));
  assemble(release, target);
  console.log(`${release.id} in ${target}: ${release.files.length} files`);
}

function describeRelease(): Release {
  const all = [
    ...files.filter((file) => existsSync(path.join(root, file))),
    ...folders.flatMap((folder) => filesUnder(folder)),
    ...productionPackages().flatMap((folder) => filesUnder(folder)),
  ].sort();
  const hash = createHash('sha256');
  for (const file of all)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { id: `${version}-${hash.digest('hex').slice(0, 12)}`, files: all };
}

/** Folders of the packages that are installed and not for development alone, from npm's own record of this tree. */
function productionPackages(): string[] {
  const record = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) throw new Error('node_modules is not there: run `npm ci` first');
  const { packages } = JSON.parse(readFileSync(record, 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>;
  };
  return Object.entries(packages)
    .filter(([folder, entry]) => !entry.dev && !entry.devOptional && existsSync(path.join(root, folder)))
    .map(([folder]) => folder);
}

/** Regular files, without nested packages: those have entries of their own. */
function filesUnder(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    if (entry.name === 'node_modules' || leftOut.test(name)) continue;
    if (entry.isDirectory()) found.push(...filesUnder(name));
    else if (entry.isFile()) found.push(name);
  }
  return found;
}

function assemble({ files, id }: Release, target: string): void {
  rmSync(target, { recursive: true, force: true });
  process.umask(0o022);
  const made = new Set<string>();
  for (const file of files) {
    const to = path.join(target, file);
    const folder = path.dirname(to);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    copyFileSync(path.join(root, file), to);
    // whatever umask the checkout was made with, the service's user must be able to read it
    chmodSync(to, (statSync(to).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
  const node = files.find((file) => /^node_modules\/node-linux-[^/]+\/bin\/node$/.test(file));
  if (node === undefined) throw new Error(`release ${id} has no Node binary: run \`npm ci\` with optional packages`);
  // one path for every machine type: the unit and the command start this
  mkdirSync(path.join(target, 'bin'));
  symlinkSync(path.join('..', node), path.join(target, 'bin', 'node'));
}
