/** @jest-config-loader esbuild-register */
// The loader is for Node 20; later versions of Node strip the types themselves, for which this file is CommonJS.
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/spec/**/*-spec.ts'],
  // Only strips types (isolatedModules in tsconfig.json): the type check is a step of its own, `npm run typecheck`.
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.spec.json' }] },
  moduleNameMapper: {
    '^rxjs-http-pool$': '<rootDir>/src/index.ts',
    '^rxjs-http-pool/protocol$': '<rootDir>/src/protocol/public.ts',
    '^rxjs-http-pool/testing$': '<rootDir>/src/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/coverage/'],
  maxWorkers: 2,
};

module.exports = config;
