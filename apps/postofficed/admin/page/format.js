// Numbers, times and spans as people read them.

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const tenths = new Intl.NumberFormat('en', {minimumFractionDigits: 1, maximumFractionDigits: 1});
const clock = new Intl.DateTimeFormat('en-GB',
  {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const clockShort = new Intl.DateTimeFormat('en-GB',
  {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const day = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short'});

const known = (value) => typeof value === 'number' && Number.isFinite(value);
const none = '–';

function count(value) { return known(value) ? whole.format(value) : none; }

// Small rates need a fraction, large ones do not.
function rate(value) {
  if (!known(value)) return none;
  return value !== 0 && value < 10 ? tenths.format(value) : whole.format(value);
}

// Of an axis or a tile: 12,345 is 12.3 k.
function short(value) {
  if (!known(value)) return none;
  if (value < 10 && Number.isInteger(value)) return whole.format(value);
  for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e4]]) {
    if (value >= size) {
      const scaled = value / (unit === 'k' ? 1e3 : size);
      return (scaled < 100 ? tenths : whole).format(scaled) + ' ' + unit;
    }
  }
  return rate(value);
}

function bytes(value) {
  if (!known(value)) return none;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; ++unit; }
  return (unit === 0 || value >= 100 ? whole : tenths).format(value) + ' ' + units[unit];
}

// Of a latency or an age: [number, unit].
function spanParts(seconds) {
  if (!known(seconds)) return [none, ''];
  if (seconds === 0) return ['0', 's'];
  if (seconds < 1e-3) return [whole.format(Math.max(1, seconds * 1e6)), 'µs'];
  if (seconds < 0.0995) return [(seconds < 0.00995 ? tenths : whole).format(seconds * 1e3), 'ms'];
  if (seconds < 0.9995) return [whole.format(seconds * 1e3), 'ms'];
  if (seconds < 9.995) return [tenths.format(seconds), 's'];
  if (seconds < 119.5) return [whole.format(seconds), 's'];
  if (seconds < 5400) return [whole.format(seconds / 60), 'min'];
  if (seconds < 172800) return [tenths.format(seconds / 3600), 'h'];
  return [whole.format(seconds / 86400), 'days'];
}

function span(seconds) { return spanParts(seconds).filter(Boolean).join(' '); }

// Of an axis: its lines are at round values.
function roundSpan(seconds) { return span(seconds).replace('.0 ', ' '); }

// An instant in the reader's own time zone; with its day if that is not today.
function instant(milliseconds) {
  if (!known(milliseconds)) return none;
  const date = new Date(milliseconds);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock.format(date) : day.format(date) + ' ' + clock.format(date);
}

// "2026-01-02T03:04:05.678901Z" or nothing.
function parsed(text) {
  const time = typeof text === 'string' ? Date.parse(text) : NaN;
  return known(time) ? time : undefined;
}

function plural(number, one, many) { return count(number) + ' ' + (number === 1 ? one : many); }

function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }

// With a full stop, if it has none.
function ended(text) {
  const trimmed = String(text || '').trim();
  return trimmed && trimmed + (/[.!?]$/.test(trimmed) ? '' : '.');
}

function sentence(text) { return capital(ended(text)); }

// What is told about a part may go on from its name ("is silent", "does not answer").
function about(text) {
  return /^(is|does|has|was|takes|needs|cannot|refuses|accepts)\b/.test(text || '')
    ? sentence('it ' + text) : sentence(text);
}

// Ids beyond 2^53 are not exact as numbers; `id_text` always is.
function idText(row) { return typeof row.id_text === 'string' ? row.id_text : String(row.id); }
