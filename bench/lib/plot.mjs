// One picture: what a request costs, client by client, as horizontal bars.

const escape = text => text.replace(/[&<>]/g, character => `&#${character.charCodeAt(0)};`);

/** `bars`: { name, value, low, high, own } each; values grow to the right. */
export function barChart(title, subtitle, bars) {
  const [left, width, row, top] = [210, 640, 30, 64];
  const height = top + bars.length * row + 16;
  const longest = Math.max(...bars.map(bar => bar.high)) * 1.12;
  const x = value => left + (value / longest) * (width - left - 20);
  const text = (at, y, content, extra = '') => `<text x="${at}" y="${y}" ${extra}>${escape(content)}</text>`;
  const rows = bars.map(({ name, value, low, high, own }, at) => {
    const y = top + at * row;
    const weight = own ? 'font-weight="600"' : '';
    return [
      text(left - 10, y + 15, name, `text-anchor="end" ${weight}`),
      `<rect x="${left}" y="${y}" width="${(x(value) - left).toFixed(1)}" height="20" rx="2" fill="${own ? '#b5179e' : '#9aa5b1'}"/>`,
      `<line x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${y + 10}" y2="${y + 10}" stroke="#1f2933" stroke-width="1.5"/>`,
      text(x(high) + 6, y + 15, value.toFixed(2), weight),
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#1f2933">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(16, 24, title, 'font-size="16" font-weight="600"')}
${text(16, 44, subtitle, 'fill="#52606d"')}
${rows.join('\n')}
</svg>
`;
}
