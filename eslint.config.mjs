import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const noTimers = 'No spec sleeps: use TestScheduler, or a helper of spec/loopback.';

/** A rule that is switched off says why: `eslint-disable max-lines -- one table, read top to bottom`. */
const disableWithReason = {
  meta: { type: 'suggestion', schema: [], messages: { reason: 'Say why: eslint-disable … -- reason' } },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const comment of sourceCode.getAllComments()) {
        if (/^\s*eslint-disable(?!.*\s--\s+\S)/s.test(comment.value)) report({ loc: comment.loc, messageId: 'reason' });
      }
    },
  }),
};

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'spec/public-api.golden.d.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { local: { rules: { 'disable-with-reason': disableWithReason } } },
    rules: {
      'local/disable-with-reason': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-constructor-return': 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-unreachable-loop': 'error',
      'no-fallthrough': 'error',
      'no-unsafe-finally': 'error',
      'no-sparse-arrays': 'error',
      'no-control-regex': 'off',
      'max-lines': ['error', 300],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': ['error', { fixMixedExportsWithInlineTypeSpecifier: true }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'typeLike', format: ['PascalCase'] },
        // Parameters and locals that are Observables end in $, members do not.
        {
          selector: 'memberLike',
          format: null,
          filter: { regex: '^[\\w$]+$', match: true },
          custom: { regex: '\\$$', match: false },
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-exports': [
        'error',
        {
          restrictDefaultExports: {
            direct: true,
            named: true,
            defaultFrom: true,
            namedFrom: true,
            namespaceFrom: true,
          },
        },
      ],
    },
  },
  {
    files: ['src/pool/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.type='MemberExpression'][callee.property.name='schedule']",
          message: 'The time-outs of the pool are `timer` streams.',
        },
      ],
    },
  },
  {
    // Programs that are run by hand or by the tests: they print, and look at values whose type nobody promised.
    files: ['spec/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: ['spec/**/*.ts', 'bench/**/*.ts'], rules: { 'max-lines': 'off' } },
  {
    files: ['spec/**/*.ts'],
    // What runs in processes of its own lives in real time.
    ignores: ['spec/loopback/**', 'spec/*/programs/**', 'spec/chaos/!(*-spec).ts', 'spec/interop/**'],
    rules: {
      'no-restricted-globals': ['error', ...timers.map(name => ({ name, message: noTimers }))],
      'no-restricted-properties': [
        'error',
        ...['global', 'globalThis'].flatMap(object =>
          timers.map(property => ({ object, property, message: noTimers })),
        ),
      ],
      'no-restricted-imports': ['error', { patterns: [{ regex: '^(node:)?timers(/promises)?$', message: noTimers }] }],
    },
  },
);
