// Canvases that are sharp on every screen, and the colours of the page.

// A canvas takes no variables of the style sheet; an element that nobody sees resolves them.
const colours = {
  read() {
    const probe = document.body.appendChild(element('span', {hidden: ''}));
    for (const name of ['line', 'quiet', 'accent', 'second', 'third', 'fourth', 'well', 'idle',
      'behind', 'degraded', 'down', 'heat-0', 'heat-1']) {
      probe.style.color = 'var(--' + name + ')';
      this[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    this.heat = ramp(this['heat-0'], this['heat-1'], 32);
  },
};

// Colours between two, as "rgb(…)" texts.
function ramp(from, to, steps) {
  const parts = (colour) => colour.match(/\d+/g).map(Number);
  const [a, b] = [parts(from), parts(to)];
  return Array.from({length: steps}, (_, step) => {
    const share = step / (steps - 1);
    return 'rgb(' + [0, 1, 2].map((i) => Math.round(a[i] + (b[i] - a[i]) * share)).join(' ') + ')';
  });
}

// Draws when it has a size, when that changes, and when told to.
class Canvas {
  constructor(node) {
    this.node = node;
    this.context = node.getContext('2d');
    new ResizeObserver(() => this.redraw()).observe(node);
  }

  // As often as it is asked for, once per frame.
  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = undefined;
      const scale = window.devicePixelRatio || 1;
      const width = this.node.clientWidth;
      const height = this.node.clientHeight;
      if (!width || !height) return;
      const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
      if (this.node.width !== across || this.node.height !== down) {
        this.node.width = across;
        this.node.height = down;
      }
      this.scale = scale;
      this.context.setTransform(scale, 0, 0, scale, 0, 0);
      this.context.clearRect(0, 0, width, height);
      this.draw(this.context, width, height);
    });
  }

  // To the next edge between pixels of the screen.
  edge(value) { return Math.round(value * this.scale) / this.scale; }
}

function writeLabel(context, text, x, y, align = 'left', colour = colours.quiet) {
  context.font = '11px system-ui, "DejaVu Sans", sans-serif';
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.fillText(text, x, y);
}

// Instants for the axis of time: round ones, not more than there is room for.
function timeTicks(begin, end, width) {
  const minute = 60000;
  const room = Math.max(2, Math.floor(width / 75));
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720]
    .map((minutes) => minutes * minute).find((size) => (end - begin) / size <= room) || 720 * minute;
  const shift = new Date(end).getTimezoneOffset() * minute;
  const ticks = [];
  for (let at = Math.ceil((begin - shift) / step) * step + shift; at < end; at += step) ticks.push(at);
  return ticks;
}

// Steps of 1, 2, 5 that make at most `room` lines up to `top`.
function levelTicks(top, room, wholeOnly) {
  let step = 10 ** Math.floor(Math.log10(top / room));
  for (const factor of [1, 2, 5, 10]) {
    if (top / (step * factor) <= room) { step *= factor; break; }
  }
  if (wholeOnly) step = Math.max(1, step);
  const ticks = [];
  for (let value = step; value <= top * 1.0001; value += step) ticks.push(value);
  return ticks;
}
