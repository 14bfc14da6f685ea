// A dot for each object: full when it was just received, fading until it expires.

class Field extends Canvas {
  constructor(node) {
    super(node);
    this.places = new Map();  // id -> place in the grid
    this.free = [];
    this.objects = new Map();
    this.inView = true;
    new IntersectionObserver((seen) => { this.inView = seen.at(-1).isIntersecting; }).observe(node);
    node.addEventListener('pointermove', (event) => this.point(event));
    node.addEventListener('pointerleave', () => say(find('field-readout'), this.words || ''));
  }

  // `now` is the daemon's clock.
  show(objects, more, now, ttl) {
    this.ttl = ttl;
    this.offset = now - performance.now();
    const next = new Map(objects.map((object) => [idText(object), object]));
    for (const [id, place] of this.places) {
      if (next.has(id)) continue;
      this.places.delete(id);
      this.free.push(place);
    }
    this.free.sort((a, b) => b - a);
    for (const id of next.keys()) {
      if (!this.places.has(id)) this.places.set(id, this.free.pop() ?? this.places.size);
    }
    this.objects = next;
    this.describe(more);
    this.redraw();
  }

  describe(more) {
    const number = this.objects.size;
    this.words = number === 0 ? '' : more
      ? 'the first ' + count(number) + ' by id, of more' : plural(number, 'object', 'objects');
    if (!this.pointed) say(find('field-readout'), this.words);
    const soon = [...this.objects.values()].filter((object) => this.left(object) < 5).length;
    this.node.setAttribute('aria-label', number === 0
      ? 'No object is stored.'
      : this.words + '; ' + count(soon) + ' expire within 5 seconds unless they are received again');
  }

  // Seconds until the object expires.
  left(object) {
    const now = performance.now() + this.offset;
    return this.ttl - (now - (parsed(object.last_seen) ?? now)) / 1000;
  }

  grid(width, height) {
    const places = Math.max(1, ...[...this.places.values()].map((place) => place + 1));
    // The largest squares of which all fit.
    for (let size = 28; ; --size) {
      const across = Math.max(1, Math.floor(width / size));
      if (size <= 4 || Math.ceil(places / across) * size <= height) return {size, across};
    }
  }

  draw(context, width, height) {
    if (!this.objects.size) {
      return writeLabel(context, this.empty || 'No object is stored: callbacks bring them.',
        width / 2, height / 2, 'center');
    }
    const {size, across} = this.grid(width, height);
    for (const [id, object] of this.objects) {
      const place = this.places.get(id);
      const x = (place % across + .5) * size;
      const y = (Math.floor(place / across) + .5) * size;
      this.dot(context, object, x, y, size * .36);
    }
    context.globalAlpha = 1;
  }

  dot(context, object, x, y, radius) {
    const share = Math.max(0, Math.min(1, this.left(object) / this.ttl));
    context.beginPath();
    context.arc(x, y, radius * (.55 + .45 * share), 0, 7);
    context.globalAlpha = .12 + .88 * share * share;
    context.fillStyle = context.strokeStyle = colours[object.online ? 'accent' : 'quiet'];
    if (object.online) {
      context.fill();
    } else {
      context.lineWidth = Math.max(1, radius * .3);
      context.stroke();
    }
  }

  point(event) {
    const {size, across} = this.grid(this.node.clientWidth, this.node.clientHeight);
    const place = Math.floor(event.offsetY / size) * across + Math.floor(event.offsetX / size);
    const found = [...this.places].find(([, at]) => at === place);
    const object = found && this.objects.get(found[0]);
    this.pointed = Boolean(object);
    say(find('field-readout'), object
      ? idText(object) + ' · ' + (object.online ? 'online' : 'offline') + ' · ' +
        (this.left(object) > 0 ? 'expires in ' + span(this.left(object)) : 'expires now')
      : this.words || '');
  }

  // Fades between two answers, too, where it is seen and nobody asked for stillness.
  animate() {
    const still = matchMedia('(prefers-reduced-motion: reduce)');
    setInterval(() => {
      if (this.inView && !document.hidden && !still.matches && this.objects.size) this.redraw();
    }, 250);
  }
}
