// What a pool does with connections that went stale while nobody looked: node scripts/stale.mjs
// node scripts/stale.mjs --quick         in seconds, for CI
// node scripts/stale.mjs --rounds 15     of 60, each of one to three requests, for each of 105 cases
// node scripts/stale.mjs --node PATH     with another node
// node scripts/stale.mjs --all           with this node and those of npm
import { run } from './versions.mjs';

run('spec/stale/run.ts');
