import { appendFileSync, mkdirSync } from 'node:fs';
import { PluginKind, declareClassPlugin } from '@stryker-mutator/api/plugin';

const log = `coverage/mutation/${process.env.MUTATION_ROOM}.log`;

/** Notes every mutant that is not noticed as soon as that is known: Stryker itself tells at the very end. */
class LiveReporter {
  onMutationTestingPlanReady() {
    mkdirSync('coverage/mutation', { recursive: true });
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status }) {
    if (status !== 'Survived' && status !== 'NoCoverage') return;
    const { line, column } = location.start;
    appendFileSync(
      log,
      `${status} ${fileName}:${line}:${column} ${mutatorName}: ${replacement.replace(/\s+/g, ' ')}\n`,
    );
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Reporter, 'live', LiveReporter)];
