// Promises: all resources of the gateway as the units of a snapshot, pure, synchronous, in sorted order; what did not
// change is the same object as in the build before. Never reads a file or a clock, never throws for a bad object.
// Called by the controller after every settled change, with all resources that are accepted at that moment.
import type { BuildInput, BuildResult } from './build-input.ts';
import { IncrementalBuild } from './incremental-build.ts';

export type { BuildResult, GatewayIdentity } from './build-input.ts';
export { certificateFiles } from './certificates.ts';

/** A builder remembers the last build, only to do less in the next: the result depends on the input alone. */
export type Builder = {
  /** Units and problems of this input, frozen. */
  build(input: BuildInput): BuildResult;
};

/** Makes a builder; keep one for the life of the process. */
export function createBuilder(): Builder {
  let incremental: IncrementalBuild | undefined;
  return {
    build(input) {
      if (incremental?.identity !== input.gateway) incremental = new IncrementalBuild(input.gateway);
      return incremental.run(input);
    },
  };
}
