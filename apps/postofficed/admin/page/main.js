// What happens when: polling, the switches, and the daemon that does not answer.

const daemon = {
  ttl: undefined, offset: 0,
  now() { return performance.now() + this.offset; },  // by the daemon's clock
};
const samples = {second: new Samples('second'), minute: new Samples('minute')};
let shownBy = 'second';
let status = {};
let awaySince;  // when the newest answer came, if there is none now
let answeredAt = Date.now();
let failures = 0;

const tiles = makeTiles();
const charts = makeCharts();
const field = new Field(find('field'));
const objects = new Objects();
const letters = new DeadLetters();

async function poll() {
  try {
    const answer = await ask('/history' + samples.second.query());
    back(answer);
    samples.second.add(answer);
    showState(answer);
    showParts(answer);
    if (shownBy === 'minute') await loadMinutes();
    render();
  } catch (problem) { away(problem); }
}

// Once a minute there is a new one.
async function loadMinutes() {
  const newest = samples.minute.at.at(-1) ?? 0;
  if (samples.minute.last !== undefined && daemon.now() - newest < 60500) return;
  samples.minute.add(await ask('/history' + samples.minute.query()));
}

function back(answer) {
  daemon.ttl = answer.ttl_seconds;
  daemon.offset = answer.now - performance.now();
  daemon.hasInstances = answer.has_instances;
  daemon.storeDown = (answer.parts || []).some((part) =>
    part.part === 'store' && part.state === 'down');
  answeredAt = Date.now();
  const wasAway = awaySince !== undefined;
  awaySince = undefined;
  failures = 0;
  document.body.classList.remove('stale');
  say(find('daemon'), [location.host, answer.version, 'up ' + span(answer.uptime_seconds)]
    .filter(Boolean).join(' · '));
  if (wasAway) { detailsLoop.now(); objects.load(); }
}

function away(problem) {
  ++failures;
  if (problem.status === 401 || problem.status === 403) {
    tellState('unknown', 'This daemon shows its figures to those who have its token',
      sentence(problem.message), 'Next: choose “Admin token…” at the foot of the page.');
    return;
  }
  if (failures < 2 && awaySince === undefined) return;  // one that was lost is no outage
  awaySince ??= answeredAt;
  document.body.classList.add('stale');
  const words = problem.name === 'TimeoutError' ? 'It takes the connection but does not answer'
    : problem.status ? problem.message : 'The connection is refused or the network is away';
  showAway(awaySince, words + '. The figures below are as of then');
}

function render() {
  const shown = samples[shownBy];
  const columns = new Columns(shown, 75);
  showTiles(tiles, samples.second, shown);
  showStrips(columns);
  for (const chart of charts) chart.show(columns);
  showEnds(shown, status);
}

async function loadDetails() {
  if (awaySince !== undefined) return;
  try {
    status = await ask('/status');
    showRoom(status, samples.second);
    showRefusals(status);
    for (const [card, part] of [['answer-card', 'ingress'], ['heat-card', 'source'],
      ['fetches-card', 'source'], ['ages-card', 'source'],
      ['census-card', 'source'], ['row-card', 'source'], ['transaction-card', 'source'],
      ['ends-card', 'source'], ['tile-flight', 'source'], ['tile-pending', 'source'],
      ['tile-oldest', 'source'], ['tile-objects', 'source'], ['refusals-card', 'ingress']]) {
      find(card).hidden = !status[part];
    }
    find('flush-card').hidden = status.queue?.growth_stopped === undefined;  // no file queue
    if (!daemon.storeDown) await objects.refresh();
    if (daemon.hasInstances && !daemon.storeDown) await showInstances(status);
    // Counted at once, and in the database every few seconds.
    await letters.refresh(status.dead + ' ' + status.dead_letters);
  } catch { /* the other loop says it */ }
}

async function loadField() {
  if (awaySince !== undefined || !field.inView || !daemon.ttl) return;
  if (daemon.storeDown) return;
  try {
    const {objects: some, next} = await ask('/objects?limit=500');
    field.show(some, next !== null && next !== undefined, daemon.now(), daemon.ttl);
  } catch { /* the other loop says it */ }
}

// A page that nobody looks at asks rarely, one whose daemon is away less and less often.
const hiddenPause = 30000;
const pauseOf = (visible) => () => document.hidden ? hiddenPause
  : failures > 1 ? Math.min(5000, 1000 * failures) : visible;
const pollLoop = new Repeated(poll, pauseOf(1000));
const detailsLoop = new Repeated(loadDetails, pauseOf(5000));
const fieldLoop = new Repeated(loadField, pauseOf(2000));

function listen() {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    pollLoop.now();
    detailsLoop.now();
  });
  find('range').addEventListener('change', (event) => {
    shownBy = event.target.value;
    cursor.set(undefined);
    pollLoop.now();
    render();
  });
  find('token-button').addEventListener('click', async () => {
    await confirmed({title: 'Admin token', act: async () => ''});
    pollLoop.now();
    detailsLoop.now();
  });
  listenForReceipts();
}

// Auto follows the system. The choice is kept in this browser.
function listenForTheme() {
  const key = 'postoffice-theme';
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = (choice) => {
    document.documentElement.dataset.theme = choice;
    colours.read();
    for (const canvas of [...charts, ...tiles.map((tile) => tile.spark), ...strips.values(), field]) canvas.redraw();
  };
  let choice = 'auto';
  try { choice = localStorage.getItem(key) || 'auto'; } catch { /* not kept */ }
  const radio = document.querySelector('#theme input[value="' + CSS.escape(choice) + '"]');
  if (radio) radio.checked = true; else choice = 'auto';
  find('theme').addEventListener('change', (event) => {
    choice = event.target.value;
    try { localStorage.setItem(key, choice); } catch { /* not kept */ }
    apply(choice);
  });
  dark.addEventListener('change', () => apply(choice));
  apply(choice);
}

listenForTheme();
listen();
await pollLoop.now();
detailsLoop.now();
objects.load();
fieldLoop.now();
field.animate();
