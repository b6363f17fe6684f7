/** `npm run faults` takes minutes and runs everything; `npm test` takes seconds and runs what covers it. */
export const thorough = process.env.FAULTS === 'all';
