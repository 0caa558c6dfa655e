#!/usr/bin/env node
// The command `mesh-gateway`. Plain JavaScript without newer syntax: a Node.js that is too old must get as far as its sentence.
const MAJOR = 26;
const MINOR = 9;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > MAJOR || (major === MAJOR && minor >= MINOR)) {
  await import('../../gateway/main.ts');
} else {
  process.stderr.write(
    `mesh-gateway needs Node.js ${MAJOR}.${MINOR} or newer, this is ${process.version}; ` +
      '`npm ci` in its folder brings one: put node_modules/.bin first in PATH.\n',
  );
  process.exitCode = 1;
}
