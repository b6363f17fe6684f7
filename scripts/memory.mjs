// How much memory hostile and heavy loads take: node scripts/memory.mjs [words of a load's name]
// node scripts/memory.mjs --node PATH     with another node
// node scripts/memory.mjs --all           with this node and those of npm
import { run } from './versions.mjs';

run('spec/memory/run.ts');
