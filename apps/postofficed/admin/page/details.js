// Receipts, room, refusals, and the other daemons.

function listenForReceipts() {
  const form = find('receipt-form');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const receipt = form.elements.receipt.value.trim();
    say(find('receipt-answer'), await receiptWords(receipt));
  });
}

async function receiptWords(receipt) {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(receipt)) {
    return 'That is no receipt: a receipt has letters, digits and hyphens only.';
  }
  try {
    const {status} = await ask('/receipts/' + receipt);
    return status === 'applied'
      ? 'Applied: every id of this callback has ended (stored, not found, expired or given up).'
      : 'Pending: the callback is safe; some of its ids still wait for their fetch or the database.';
  } catch (problem) { return sentence(problem.message); }
}

// [what, value, share of the room that is used]
function roomOf(status, samples) {
  const held = samples.latest('queue_bytes');
  const limit = samples.latest('queue_limit');
  const rows = [['Queue on disk',
    bytes(held) + (known(limit) ? ' of ' + bytes(limit) : ''),
    known(limit) && limit > 0 ? held / limit : undefined]];
  const free = samples.latest('disk_free');
  const size = samples.latest('disk_size');
  if (known(free)) {
    rows.push(['Free on its disk', bytes(free) + (known(size) ? ' of ' + bytes(size) : ''),
      known(size) && size > 0 ? 1 - free / size : undefined]);
  }
  for (const [name, title] of [['ingress', 'Connections of senders'],
    ['source', 'Connections to the source']]) {
    const part = status[name];
    if (!part || !known(part.connections)) continue;
    const most = part.connections_max;
    rows.push([title, count(part.connections) + (most > 0 ? ' of ' + count(most) : ''),
      most > 0 ? part.connections / most : undefined]);
  }
  rows.push(['Memory of the process', bytes(samples.latest('memory_bytes'))]);
  rows.push(['Ids known', count(samples.latest('known_ids'))]);
  const busy = samples.recentRate('processor_seconds', 5);
  if (known(busy)) rows.push(['Processor', tenths.format(busy * 100) + ' % of one']);
  return rows;
}

function showRoom(status, samples) {
  find('room').replaceChildren(...roomOf(status, samples).map(([title, words, share]) => {
    const row = element('div', {}, element('dt', {}, title), element('dd', {}, words));
    if (known(share)) {
      row.append(element('meter', {min: 0, max: 1, low: .7, high: .9, optimum: 0, value: share,
        'aria-label': title}));
    }
    return row;
  }));
}

function showRefusals(status) {
  const ingress = status.ingress || {};
  const listed = Array.isArray(ingress.responses) ? ingress.responses : [
    {status: 503, reason: 'not durable in time', count: ingress.refused},
    {status: '4xx', reason: 'not a callback', count: ingress.malformed},
  ];
  const some = listed.filter((one) => one.count > 0 && one.status !== 202)
    .sort((a, b) => b.count - a.count);
  fill(find('refusals'), some.map((one) => row(heading(String(one.status)),
    cell(String(one.reason || '').replaceAll('_', ' ')), cell(count(one.count), 'number'))),
  status.ingress ? 'None: every callback got its 202.' : 'This daemon takes no callbacks.');
}

// A publisher has a row for each shard: shown once, first, as the one that is furthest behind.
function oncePublishers(instances) {
  const publishers = new Map();
  const others = [];
  for (const one of instances) {
    const before = publishers.get(one.id);
    if (one.kind !== 'publisher') {
      others.push(one);
    } else if (!before) {
      publishers.set(one.id, {...one});
    } else {
      if (one.beat_age_seconds > before.beat_age_seconds) {
        before.beat_age_seconds = one.beat_age_seconds;
        before.state = one.state;
      }
      before.watermark_lag_seconds =
        Math.max(before.watermark_lag_seconds ?? 0, one.watermark_lag_seconds ?? 0);
    }
  }
  return [...publishers.values(), ...others];
}

// Rows of the shared database; what this process holds of a shard is in its own status.
async function showInstances(status) {
  const card = find('instances-card');
  try {
    const {instances} = await ask('/instances');
    const broker = status.broker || {};
    card.hidden = instances.length < 2 && !status.broker;
    const shards = new Map((broker.worker?.shards || []).map((shard) => [shard.shard, shard]));
    fill(find('instances'), oncePublishers(instances).map((one) => instanceRow(one, shards)),
      'No daemon has registered with this database.');
    const here = [...shards.values()].filter((shard) => shard.serving).length;
    say(find('instances-note'), broker.worker
      ? plural(broker.worker.workers, 'worker', 'workers') + '; this one serves ' +
        plural(here, 'shard', 'shards') : '');
  } catch (problem) {
    if (!card.hidden) fill(find('instances'), [], sentence(problem.message));
  }
}

function instanceRow(one, shards) {
  const held = one.kind === 'shard' ? shards.get(one.shard) : undefined;
  return row(heading(capital(String(one.kind))), cell(one.name), cell(one.id),
    cell(badge(String(one.state))), cell(span(one.beat_age_seconds) + ' ago', 'number'),
    cell(span(one.watermark_lag_seconds ?? undefined), 'number'),
    cell(held?.serving ? plural(held.pending_ids, 'id', 'ids') : none, 'number'));
}
