// What `@jest/globals` is in a Jest process: it cannot be loaded in another.
const { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } = require('jest-circus');
const { jestExpect } = require('@jest/expect');

module.exports = { afterAll, afterEach, beforeAll, beforeEach, describe, expect: jestExpect, it, test };
