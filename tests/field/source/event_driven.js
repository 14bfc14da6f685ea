// An event-driven source. Ids below 100000 are answered with 500, those from 900000000 on with 429
// the first time. With DELAY_MS all wait for one thing (a connection to a database, say) that takes
// so long with each, and go on waiting when their client has gone.
const http = require('http');
const delay = Number(process.env.DELAY_MS || 0);
const seen = new Set();
let last = Promise.resolve();

function turn() {
  if (delay === 0) return Promise.resolve();
  last = last.then(() => new Promise((done) => setTimeout(done, delay)));
  return last;
}

const server = http.createServer(async (request, response) => {
  const id = Number(request.url.split('/').pop());
  if (id < 100000) {
    response.writeHead(500);
    return response.end('no');
  }
  if (id >= 900000000 && !seen.has(id)) {
    seen.add(id);
    response.writeHead(429, {'Retry-After': '3600'});
    return response.end();
  }
  await turn();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({id, online: true}));
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
