/**
 * One of these runs on each core, with the highest real-time priority, and notes how late it is woken. Started by
 * `pauses.ts`, with which it talks over IPC; ends when that channel closes.
 */

/** Often enough to see pauses that matter, seldom enough to be no load. */
const INTERVAL_MS = 5;

let longestMs = 0;

process.on('disconnect', () => process.exit(0));
process.on('message', () => {
  process.send?.(longestMs);
  longestMs = 0;
});
setNext();
process.send?.('ready');

function setNext(): void {
  const due = performance.now() + INTERVAL_MS;
  setTimeout(() => {
    longestMs = Math.max(longestMs, performance.now() - due);
    setNext();
  }, INTERVAL_MS);
}
