// The tiles at the top, the curves, and what became of the ids.

function makeTiles() {
  const definitions = [
    {key: 'callbacks', title: 'Callbacks', unit: '/s', rate: 'callbacks'},
    {key: 'ids', title: 'Ids', unit: '/s', rate: 'ids'},
    {key: 'flight', title: 'Fetches in flight', level: 'in_flight',
      ceiling: (samples) => samples.latest('fetch_limit'),
      under: (samples) => known(samples.latest('fetch_limit'))
        ? 'of ' + count(samples.latest('fetch_limit')) + ' at most' : ''},
    {key: 'pending', title: 'Ids waiting', level: 'pending',
      under: (samples) => samples.latest('in_queue_only') > 0
        ? count(samples.latest('in_queue_only')) + ' of them on disk only'
        : samples.latest('retries_waiting') > 0
          ? count(samples.latest('retries_waiting')) + ' to be tried again' : 'until their fetch ends'},
    {key: 'oldest', title: 'Oldest waiting', level: 'oldest_pending', time: true,
      under: oldestCause},
    {key: 'objects', title: 'Objects online', level: 'online', colour: 'well',
      under: (samples) => known(samples.latest('offline'))
        ? count(samples.latest('offline')) + ' offline' : 'not counted yet'},
  ];
  for (const tile of definitions) {
    tile.value = element('span');
    tile.suffix = element('span', {class: 'unit'}, tile.unit || '');
    tile.note = element('p', {class: 'under'});
    const canvas = element('canvas', {'aria-hidden': 'true'});
    find('tiles').append(element('div', {class: 'tile', id: 'tile-' + tile.key},
      element('h3', {}, tile.title), element('p', {class: 'value'}, tile.value, tile.suffix),
      tile.note, canvas));
    tile.spark = new Spark(canvas);
  }
  return definitions;
}

function oldestCause(samples) {
  const causes = {fetch: 'waits for its fetch', backoff: 'waits for its next try',
    store: 'waits for the database', touch: 'waits for the database'};
  let most = 0;
  let words = 'by time since receipt';
  for (const [cause, text] of Object.entries(causes)) {
    const age = samples.latest('waiting_' + cause);
    if (age > most) { most = age; words = text; }
  }
  return words;
}

// `now` by the second, whatever time is shown; `shown` for the sparks.
function showTiles(tiles, now, shown) {
  const columns = new Columns(shown, 120);
  for (const tile of tiles) {
    if (tile.rate) {
      const rates = columns.rate(tile.rate);
      say(tile.value, rate(now.recentRate(tile.rate, 3)));
      say(tile.note, 'mean ' + rate(mean(rates)) + '/s');
      tile.spark.show(rates, tile.colour);
      continue;
    }
    const level = now.latest(tile.level);
    const [value, unit] = tile.time ? spanParts(level) : [short(level), ''];
    say(tile.value, value);
    if (tile.time) say(tile.suffix, unit);
    say(tile.note, tile.under(now));
    tile.spark.show(columns.largest(tile.level), tile.colour, tile.ceiling?.(now));
  }
}

function mean(values) {
  const some = values.filter(known);
  return some.length ? total(some) / some.length : undefined;
}

function makeCharts() {
  const level = (name) => (columns) => columns.largest(name);
  const perSecond = (name) => (columns) => columns.rate(name);
  const latency = (name) => ['p50', 'p99'].map((label, i) => ({
    label: ['half within', '99 % within'][i], colour: ['accent', 'second'][i],
    values: (columns) => columns.quantile(name, [.5, .99][i]),
  }));
  return [
    new HeatMap('heat', 'fetch', 'no fetch has ended in this time'),
    new Curves('fetches', {format: (value) => short(value) + '/s', whole: true, empty: 'no figures yet', series: [
      {label: 'begun', colour: 'accent', values: perSecond('fetches'), area: true},
      {label: 'failed', colour: 'down', values: perSecond('fetch_failures')}]}),
    new Curves('ages', {format: span, axis: roundSpan, empty: 'nothing has waited', series: [
      {label: 'for its fetch', colour: 'accent', values: level('waiting_fetch'), area: true},
      {label: 'for its next try', colour: 'second', values: level('waiting_backoff')},
      {label: 'to be stored', colour: 'third', values: level('waiting_store')},
      {label: 'to be touched', colour: 'fourth', values: level('waiting_touch'), dashed: true}]}),
    new Curves('answer', {format: span, axis: roundSpan, log: true, series: latency('ingress'),
      empty: 'no callback in this time'}),
    new Curves('flush', {format: span, axis: roundSpan, log: true, series: latency('flush'),
      empty: 'no flush in this time'}),
    new Curves('transaction', {format: span, axis: roundSpan, log: true, series: latency('transaction'),
      empty: 'no transaction in this time'}),
    new Curves('row', {format: span, axis: roundSpan, log: true, series: latency('receipt_to_row'),
      empty: 'no row was written in this time'}),
    new Curves('census', {format: count, axis: short, whole: true, empty: 'not counted yet', series: [
      {label: 'online', colour: 'well', values: level('online'), area: true},
      {label: 'offline', colour: 'idle', values: level('offline')}]}),
  ];
}

const ends = [
  ['stored', 'stored', 'their answer is in the database'],
  ['merged', 'merged', 'a later receipt of the same id was served with them'],
  ['not_found', 'not found', 'the source does not know them'],
  ['expired', 'expired', 'no answer within ttl; not received again'],
  ['dead', 'dead letters', 'given up after the last try'],
];

function showEnds(shown, status) {
  const rows = ends.map(([name, words, title]) => element('tr', {},
    element('th', {scope: 'row', title}, capital(words)),
    cell(count(shown.total(name)), 'number'), cell(count(status?.[name]), 'number')));
  const pending = shown.latest('pending');
  rows.push(row(heading('Waiting'), cell(count(pending), 'number'),
    cell(count(status?.pending), 'number')));
  fill(find('ends'), rows, '');
  say(find('ends-note'), 'in the last ' + (shown.by === 'second' ? '10 min' : '24 h') + ' at most');
}
