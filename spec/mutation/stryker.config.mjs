const room = process.env.MUTATION_ROOM;
const reports = `coverage/mutation/${room}`;

// What tries very often tries less here, where it is run thousands of times; the same at every run.
process.env.FUZZ_RUNS ??= '50';
process.env.LONG_RUN ??= '2000';

export default {
  mutate: [`src/${room}/**/*.ts`, '!src/**/index.ts'],
  testRunner: 'circus',
  plugins: ['./spec/mutation/CircusRunner.mjs', './spec/mutation/ignoreTexts.mjs', './spec/mutation/LiveReporter.mjs'],
  buildCommand: 'node spec/mutation/bundle.mjs',
  coverageAnalysis: 'perTest',
  ignorers: ['textsForPeople'],
  // What runs once, when the modules load (tables of octets, constants), is mutated as well: it decides what is accepted.
  ignoreStatic: false,
  // Mutants are JavaScript to us: that many of them would not compile says nothing about the specs.
  disableTypeChecks: 'src/**/*.ts',
  checkers: [],
  concurrency: Number(process.env.MUTATION_WORKERS ?? 1),
  // A loop without an end in the code itself is cut by a count of its turns; this is for the others.
  dryRunTimeoutMinutes: 30,
  timeoutMS: 5_000,
  timeoutFactor: 2,
  maxTestRunnerReuse: 200,
  tempDirName: `coverage/stryker-${room}`,
  ignorePatterns: ['*', '!src/**', '!spec/**', '!package.json', '!tsconfig*.json'],
  incremental: true,
  incrementalFile: `${reports}.incremental.json`,
  reporters: ['html', 'json', 'progress-append-only', 'clear-text', 'live'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  htmlReporter: { fileName: `${reports}.html` },
  jsonReporter: { fileName: `${reports}.json` },
  thresholds: { high: 95, low: 90, break: 85 },
  allowEmpty: false,
};
