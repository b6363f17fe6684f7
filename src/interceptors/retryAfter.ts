const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const month = `(?<month>${months.join('|')})`;
const day = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const longDay = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

/** RFC 9110 section 5.6.7: IMF-fixdate, and the obsolete forms of RFC 850 and of `asctime`. */
const forms = [
  `${day}, (?<date>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT`,
  `${longDay}, (?<date>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT`,
  `${day} ${month} (?<date>[ \\d]\\d) ${time} (?<year>\\d{4})`,
].map(form => new RegExp(`^${form}$`));

/** How long a Retry-After header says to wait from `now`, in ms (RFC 9110 section 10.2.3); null if it says nothing. */
export function retryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = httpDate(value, now);
  return at === null ? null : Math.max(at - now, 0);
}

function httpDate(text: string, now: number): number | null {
  for (const form of forms) {
    const found = form.exec(text)?.groups;
    if (found === undefined) continue;
    const [date, hour, minute, second] = [found.date, found.hour, found.minute, found.second].map(Number);
    // A leap second is as good as the one before.
    if (hour > 23 || minute > 59 || second > 60) return null;
    const year = found.year.length === 4 ? Number(found.year) : fullYear(Number(found.year), now);
    const at = new Date(0);
    // Not `Date.UTC`, for which 50 is 1950.
    at.setUTCFullYear(year, months.indexOf(found.month), date);
    if (at.getUTCDate() !== date) return null; // there is no such day
    return at.setUTCHours(hour, minute, Math.min(second, 59));
  }
  return null;
}

/** A year of two digits that would be more than 50 years from now is the last one that ended so. */
function fullYear(year: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const full = thisYear - (thisYear % 100) + year;
  return full > thisYear + 50 ? full - 100 : full;
}
