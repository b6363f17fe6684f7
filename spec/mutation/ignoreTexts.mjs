import { PluginKind, declareValuePlugin } from '@stryker-mutator/api/plugin';

/** Two words in a row. Names of states, events, options and header fields are one word each. */
const prose = /[a-z],? [a-z]/i;

/**
 * Texts for people (messages of errors, mostly) are not mutated: no program relies on their words, and specs that
 * repeat them would only be in the way of better ones. That an error comes, its class and its fields are mutated.
 */
const textsForPeople = {
  shouldIgnore({ node }) {
    const parts =
      node.type === 'StringLiteral'
        ? [node.value]
        : node.type === 'TemplateLiteral'
          ? node.quasis.map(({ value }) => value.cooked)
          : [];
    return parts.some(text => prose.test(text)) ? 'a text for people' : undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'textsForPeople', textsForPeople)];
