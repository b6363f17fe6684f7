export { bytes } from './bytes.js';
export { discard } from './discard.js';
export { json } from './json.js';
export { text } from './text.js';
export { throwIfNotOk } from './throwIfNotOk.js';
